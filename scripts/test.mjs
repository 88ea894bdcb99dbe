// npm test [-- MOCHA ARGUMENTS]: set-up, build, and the tests; the last line is "N passed, N failed".
//   --fast   leaves out the tests that need Python, a browser or npm's registry, those of whole runs in other processes, of the
//            whole site of documentation, and files whose names end with .slow.test.ts; properties are tried with fewer inputs
//   --long   adds the ones that take many minutes
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { reportProblems } from '../kernel-extensions/setup/setup-stages.mjs';
import { runStages } from '../kernel-extensions/setup/stages.mjs';
import { BuildError } from './build.mjs';
import { root } from './packages.mjs';
import { allStages } from './stages.mjs';

const given = process.argv.slice(2);
const isIn = (file) => (folder) => file.startsWith(folder);
/** Tests that need Python, a browser or npm's registry, of whole runs in other processes, and of the whole site of documentation. */
const slowFolders = [
  ...['jupyter', 'browser', 'packages', 'ray', 'reference', 'notebooks', 'trust'],
  ...['cluster', 'export', 'script', 'sweep'].map((name) => join('kernel-extensions', name)),
  join('datasets', 'pretrain'),
  join('docs', 'site'),
  join('sdk', 'rollout-workers'),
].map((name) => join('test', name) + sep);
const isFast = given.includes('--fast');
const isLong = given.includes('--long');
const isSlow = (file) => file.endsWith('.slow.test.ts') || slowFolders.some(isIn(file));
const forMocha = given.filter((argument) => argument !== '--fast' && argument !== '--long');
/** Files at a time, each in one of as many processes. Many wait for a kernel, a browser or Ray's processes. */
const processes = Math.min(Math.max(availableParallelism(), 2), 4);
/**
 * Contracts begin first: they hold a fact against every registered part, and other files register parts in the same processes.
 * After them those that take longest, so that no process is left with one at the end.
 */
const firstFolders = [
  'contracts',
  ...['notebooks', 'ray', 'trust', 'jupyter', 'browser'],
  ...['rollout-workers', 'training'].map((name) => join('sdk', name)),
  'kernel-extensions',
].map((name) => join('test', name) + sep);
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

function testFiles() {
  const rank = (file) => firstFolders.findIndex(isIn(file)) + 1 || Infinity;
  return readdirSync(join(root, 'test'), { recursive: true })
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => join('test', file))
    .filter((file) => !(isFast && isSlow(file)))
    .sort((a, b) => (rank(a) === rank(b) ? (a < b ? -1 : 1) : rank(a) - rank(b)));
}

function runMocha(countsFile) {
  const mocha = spawn(
    process.execPath,
    [
      join(root, 'node_modules', 'mocha', 'bin', 'mocha.js'),
      '--reporter',
      join(root, 'scripts', 'test-reporter.cjs'),
      ...(namesFiles ? [] : ['--parallel', '--jobs', String(processes)]),
      ...forMocha,
      ...(namesFiles ? [] : testFiles()),
    ],
    {
      cwd: root,
      stdio: 'inherit',
      env: {
        ...process.env,
        TF_CPP_MIN_LOG_LEVEL: process.env.TF_CPP_MIN_LOG_LEVEL ?? '3',
        FLOWBOOK_TEST_COUNTS: countsFile,
        ...(isLong ? { FLOWBOOK_LONG: '1' } : {}),
        ...(isFast ? { FLOWBOOK_FAST: '1' } : {}),
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
