// npm run bench -- [ROW...] [--json FILE] [--quick]: times Flowbook and PyTorch side by side and prints the ratios.
//   --grow                    measures how time and memory grow with batch and tokens
//   --write-report [FILE...]  writes docs/performance.md from files that --json wrote; none: those in test/bench/results
import { parseArgs } from 'node:util';
import { writePerformanceReport } from './report/write-report';
import { runBench } from './run-bench';

const { values, positionals } = parseArgs({
  options: {
    json: { type: 'string' },
    quick: { type: 'boolean', default: false },
    grow: { type: 'boolean', default: false },
    'write-report': { type: 'boolean', default: false },
  },
  allowPositionals: true,
});

const work = values['write-report']
  ? writePerformanceReport(positionals)
  : runBench({
      names: positionals,
      isQuick: values.quick,
      grow: values.grow,
      json: values.json,
    });

work.catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
