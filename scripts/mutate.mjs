// npm run mutate -- [--sample N] [--seed S] [--minimum PERCENT] [--workers W]: changes the code of core, schedulers, losses, advantages
// and io in N places, one at a time, and says which changes no test notices. Without --sample, all of them. Texts of errors are left
// as they are. Ends with 1 when less than PERCENT, 85 unless it is said, are noticed. Results: test-results/mutation.json.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { Stryker } from '@stryker-mutator/core';
import { drawing } from './mutation/drawn-mutants.mjs';
import { folders } from './mutation/what-is-tested.mjs';
import { root } from './packages.mjs';

const { values } = parseArgs({
  options: {
    sample: { type: 'string' },
    seed: { type: 'string', default: '1' },
    minimum: { type: 'string', default: '85' },
    workers: { type: 'string', default: '2' },
  },
});
const [sample, seed, minimum, workers] = [
  values.sample === undefined ? Infinity : Number(values.sample),
  Number(values.seed),
  Number(values.minimum),
  Number(values.workers),
];
for (const [name, value, rule, isRight] of [
  ['--sample', sample, 'at least 1', sample >= 1],
  ['--seed', seed, 'a whole number', Number.isSafeInteger(seed)],
  ['--minimum', minimum, '0 to 100', minimum >= 0 && minimum <= 100],
  ['--workers', workers, '1 or more, and whole', Number.isSafeInteger(workers) && workers >= 1],
]) {
  if (isRight) continue;
  process.stderr.write(`Cannot mutate as ${name} must be ${rule}: current value is ${value}\n`);
  process.exit(2);
}

/** What a result of Stryker's comes down to. */
const VERDICTS = {
  Killed: 'noticed',
  Timeout: 'noticed',
  Survived: 'survived',
  NoCoverage: 'survived',
  RuntimeError: 'failed',
  CompileError: 'failed',
};

/** The text that a change replaces; lines and columns count from 1. */
function originalOf({ fileName, location: { start, end } }) {
  const lines = readFileSync(fileName, 'utf8')
    .split('\n')
    .slice(start.line - 1, end.line);
  lines[lines.length - 1] = lines.at(-1).slice(0, end.column - 1);
  lines[0] = lines[0].slice(start.column - 1);
  return lines.join('\n');
}

function short(text) {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > 90 ? `${line.slice(0, 87)}...` : line;
}

process.chdir(root);
process.env.TF_CPP_MIN_LOG_LEVEL ??= '3';
process.env.FLOWBOOK_PROPERTY_RUNS ??= '30';
drawing.sample = sample;
drawing.seed = seed;
const start = performance.now();
const results = await new Stryker({
  mutate: folders.map((folder) => `sdk/src/${folder}/**/*.ts`),
  mutator: { excludedMutations: ['StringLiteral'], plugins: null },
  plugins: ['warm-mocha', 'drawn-mutants'].map((name) =>
    join(root, `scripts/mutation/${name}.mjs`),
  ),
  testRunner: 'warm-mocha',
  reporters: ['drawn-mutants'],
  coverageAnalysis: 'perTest',
  ignorePatterns: ['/runs', '/site', '/test-results', '/notebooks/results', 'dist'],
  tempDirName: 'test-results/mutation',
  cleanTempDir: 'always',
  allowConsoleColors: false,
  concurrency: workers,
  timeoutMS: 20_000,
  timeoutFactor: 2,
  dryRunTimeoutMinutes: 20,
  maxTestRunnerReuse: 60,
  warnings: false,
  logLevel: 'warn',
}).runMutationTest();

const mutants = results
  .map((result) => ({
    place: `${relative(root, result.fileName)}:${result.location.start.line}:${result.location.start.column}`,
    mutator: result.mutatorName,
    verdict: VERDICTS[result.status],
    status: result.status,
    original: originalOf(result),
    replacement: result.replacement,
    isStatic: result.static === true,
    reachedBy: result.coveredBy?.length ?? 0,
    reason: result.statusReason,
  }))
  .sort((a, b) => (a.place < b.place ? -1 : 1));
const count = (verdict) => mutants.filter((mutant) => mutant.verdict === verdict).length;
const [noticed, survived, failed] = ['noticed', 'survived', 'failed'].map(count);
const percent = (100 * noticed) / (noticed + survived);
const minutes = (performance.now() - start) / 60_000;
for (const { place, status, original, replacement, verdict } of mutants) {
  if (verdict === 'noticed') continue;
  process.stdout.write(`${place} ${status}\n  - ${short(original)}\n  + ${short(replacement)}\n`);
}
mkdirSync(join(root, 'test-results'), { recursive: true });
const report = { seed, of: drawing.of, noticed, survived, failed, percent, minutes, mutants };
writeFileSync(join(root, 'test-results/mutation.json'), `${JSON.stringify(report, null, 1)}\n`);
process.stdout.write(
  `${mutants.length} of ${drawing.of} changes, seed ${seed}: ${noticed} noticed, ${survived} survived, ${failed} could not be tried, ` +
    `${percent.toFixed(1)} % in ${minutes.toFixed(0)} minutes\n`,
);
process.exitCode = percent >= minimum && failed <= mutants.length / 20 ? 0 : 1;
