import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { nativeBackend } from '@flowbook/sdk';

const ROOT = join(__dirname, '../../..');

/** Runs a matrix product, and prints how much of TensorFlow's files is in memory then, in kB. */
const SCRIPT = `
const { readFileSync } = require('node:fs');
const { tf } = require('./sdk/src');
tf.matMul(tf.ones([4, 4]), tf.ones([4, 4])).dataSync();
const mappings = readFileSync('/proc/self/smaps', 'utf8').split(/\\n(?=[0-9a-f]+-[0-9a-f]+ )/);
const resident = mappings
  .filter((mapping) => mapping.split('\\n')[0].includes('libtensorflow'))
  .reduce((sum, mapping) => sum + Number(/Rss: +(\\d+)/.exec(mapping)[1]), 0);
console.log(resident);
`;

describe("TensorFlow's libraries in memory", function () {
  this.timeout(60_000);

  it('keep no pages that only loading needed, and work all the same', function () {
    // Elsewhere there is no such account of a process, and nothing is let go of.
    if (process.platform !== 'linux' || nativeBackend() === null) return;
    const output = execFileSync(process.execPath, ['--import', 'tsx', '-e', SCRIPT], {
      cwd: ROOT,
      env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '3' },
      encoding: 'utf8',
    });
    const resident = Number(output.trim().split('\n').at(-1));
    // Loading alone goes through 270 MB.
    assert.ok(resident > 0 && resident < 120_000, `${resident} kB`);
  });
});
