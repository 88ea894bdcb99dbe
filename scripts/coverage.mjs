// npm run coverage -- [--minimum PERCENT]: which lines of core, schedulers, losses, advantages and io their tests reach. Ends with 1 when
// fewer than PERCENT are, 95 unless it is said. Results: test-results/coverage.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { folders, testFiles } from './mutation/what-is-tested.mjs';
import { root } from './packages.mjs';

const { values } = parseArgs({ options: { minimum: { type: 'string', default: '95' } } });
const minimum = Number(values.minimum);
if (!(minimum >= 0 && minimum <= 100)) {
  process.stderr.write(
    `Cannot measure coverage as --minimum must be 0 to 100: current value is ${values.minimum}\n`,
  );
  process.exit(2);
}
const bin = (...path) => join(root, 'node_modules', ...path);
const { status } = spawnSync(
  process.execPath,
  [
    bin('c8', 'bin', 'c8.js'),
    '--all',
    ...folders.flatMap((folder) => ['--include', `sdk/src/${folder}/**/*.ts`]),
    ...['--reporter', 'text', '--reporter', 'json-summary'],
    ...['--reports-dir', join(root, 'test-results', 'coverage')],
    ...['--check-coverage', '--lines', String(minimum)],
    process.execPath,
    bin('mocha', 'bin', 'mocha.js'),
    '--reporter',
    'dot',
    ...testFiles(root),
  ],
  {
    cwd: root,
    stdio: 'inherit',
    env: { TF_CPP_MIN_LOG_LEVEL: '3', FLOWBOOK_PROPERTY_RUNS: '100', ...process.env },
  },
);
process.exitCode = status === 0 ? 0 : 1;
