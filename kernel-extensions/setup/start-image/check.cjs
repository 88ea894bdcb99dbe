// Started from an image that was just made: exits with 0 when the image is whole and Node works as ever.
const { runInNewContext } = require('node:vm');
const { Worker } = require('node:worker_threads');

const { compiler, files } = globalThis[Symbol.for('flowbook.start-image')];
const { outputText } = compiler.transpileModule('const n: number = 1;', {});
if (files.size === 0 || !/const n = 1;|var n = 1;/.test(outputText)) process.exit(2);
if (runInNewContext('1 + 1') !== 2) process.exit(3);
const worker = new Worker('require("node:worker_threads").parentPort.postMessage(1)', {
  eval: true,
});
worker.once('message', async () => {
  const { join } = await import('node:path');
  process.exit(typeof join === 'function' ? 0 : 4);
});
