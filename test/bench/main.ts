// npm run bench -- [ROW...] [--json FILE] [--quick] [--grow]: times Flowbook and PyTorch side by side and prints the ratios.
// npm run bench -- --write-report FILE...: writes docs/performance.md from such files.
import { parseArgs } from 'node:util';
import { runBench } from './run-bench';

const { values, positionals } = parseArgs({
  options: {
    json: { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
  allowPositionals: true,
});

runBench({ names: positionals, isQuick: values.quick, json: values.json }).catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
