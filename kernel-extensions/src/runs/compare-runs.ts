import { existsSync } from 'node:fs';
import * as path from 'node:path';
import { RUN_FILES } from '@flowbook/sdk';
import { printedFile, readPrintedText } from '../script/printed-text';
import { recordFile } from '../script/script-record';
import { writeComparePage } from './compare-page';
import { summarizeRun } from './run-summary';
import { differingParameters, namesOf, shortNumber, textTable } from './runs-table';

/** Prints runs side by side. @param page also writes a page there. @returns the exit code. */
export async function compareRuns(
  folders: readonly string[],
  page: string | undefined,
): Promise<number> {
  const runs = folders.map(summarizeRun);
  const missing = runs.find(({ state }) => state === 'waiting');
  if (missing || runs.length < 2) {
    const rule = missing
      ? `each folder must hold a run's ${recordFile} or ${RUN_FILES.record}`
      : 'there must be two runs or more';
    process.stderr.write(
      `Cannot compare as ${rule}: current value is ${missing?.directory ?? folders.join(', ')}\n`,
    );
    return 2;
  }
  const parameters = differingParameters(runs);
  const metrics = namesOf(runs.map((run) => run.metrics));
  const rows = [
    ...parameters.map((name) => [name, ...runs.map((run) => shortNumber(run.parameters[name]))]),
    ['state', ...runs.map(({ state }) => state)],
    ['seconds', ...runs.map(({ seconds }) => seconds.toFixed(1))],
    ...metrics.map((name) => [name, ...runs.map((run) => shortNumber(run.metrics[name]))]),
  ];
  process.stdout.write(`${textTable(['', ...runs.map(({ name }) => name)], rows)}\n`);
  const [first, ...others] = runs;
  for (const { directory, name } of others) {
    // Of a training that no script runs nothing that was printed is kept.
    if (![first.directory, directory].every(keepsPrinted)) continue;
    const cell = firstDifference(first.directory, directory);
    const words =
      cell === null ? 'printed the same' : `first printed something else in cell [${cell}]`;
    process.stdout.write(`${name} ${words}\n`);
  }
  if (page !== undefined) {
    await writeComparePage(page, runs.map(({ name }) => name).join(' and '), runs, parameters);
    process.stderr.write(`Wrote ${path.relative(process.cwd(), page)}\n`);
  }
  return 0;
}

function keepsPrinted(directory: string): boolean {
  return existsSync(path.join(directory, printedFile));
}

/** The first cell, in the order of the first run, that printed different text; null when there is none. */
function firstDifference(one: string, other: string): string | null {
  const [a, b] = [readPrintedText(one), readPrintedText(other)];
  const cells = [...new Set([...a.keys(), ...b.keys()])];
  return cells.find((cell) => a.get(cell) !== b.get(cell)) ?? null;
}
