// npm test [-- MOCHA ARGUMENTS]: set-up, build, and the tests; the last line is "N passed, N failed".
//   --fast   leaves out the tests that need Python, a browser or npm's registry
//   --long   adds the ones that take many minutes
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { reportProblems } from '../kernel-extensions/setup/setup-stages.mjs';
import { runStages } from '../kernel-extensions/setup/stages.mjs';
import { BuildError } from './build.mjs';
import { root } from './packages.mjs';
import { allStages } from './stages.mjs';

const given = process.argv.slice(2);
/** Tests that need Python, a browser or npm's registry. */
const slowFolders = ['jupyter', 'browser', 'packages', 'ray', 'reference'];
const isFast = given.includes('--fast');
const isLong = given.includes('--long');
const forMocha = given.filter((argument) => argument !== '--fast' && argument !== '--long');
const namesFiles = forMocha.some((argument) => argument.endsWith('.test.ts'));

async function setUp() {
  try {
    const problems = await runStages(allStages({ jupyter: !isFast, peers: !isFast }));
    return (await reportProblems(problems)) || process.env.FLOWBOOK_BACKEND === 'cpu';
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return false;
  }
}

function runMocha(countsFile) {
  const slow = isFast ? slowFolders.flatMap((name) => ['--ignore', `test/${name}/**`]) : [];
  const mocha = spawn(
    process.execPath,
    [
      join(root, 'node_modules', 'mocha', 'bin', 'mocha.js'),
      '--reporter',
      join(root, 'scripts', 'test-reporter.cjs'),
      ...slow,
      ...forMocha,
      ...(namesFiles ? [] : ['test/**/*.test.ts']),
    ],
    {
      cwd: root,
      stdio: 'inherit',
      env: {
        ...process.env,
        TF_CPP_MIN_LOG_LEVEL: process.env.TF_CPP_MIN_LOG_LEVEL ?? '3',
        FLOWBOOK_TEST_COUNTS: countsFile,
        ...(isLong ? { FLOWBOOK_LONG: '1' } : {}),
      },
    },
  );
  process.on('SIGINT', () => {});
  return new Promise((resolve) => mocha.on('close', (code) => resolve(code ?? 1)));
}

if (!(await setUp())) {
  process.stderr.write('\nCannot run the tests as set-up must succeed: see above\n');
  process.exit(1);
}
const folder = mkdtempSync(join(tmpdir(), 'flowbook-test-'));
const countsFile = join(folder, 'counts.json');
const code = await runMocha(countsFile);
const hasCounts = existsSync(countsFile);
const { passes, failures, pending } = hasCounts
  ? JSON.parse(readFileSync(countsFile, 'utf8'))
  : { passes: 0, failures: 1, pending: 0 };
rmSync(folder, { recursive: true });
if (!hasCounts) process.stderr.write('\nThe test run ended before its report.\n');
process.stdout.write(
  `${passes} passed, ${failures} failed${pending > 0 ? `, ${pending} skipped` : ''}\n`,
);
process.exitCode = hasCounts ? Math.min(code, 1) : 1;
