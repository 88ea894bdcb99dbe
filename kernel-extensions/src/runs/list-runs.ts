import { existsSync, readdirSync } from 'node:fs';
import * as path from 'node:path';
import { RUN_FILES } from '@flowbook/sdk';
import { recordFile } from '../script/script-record';
import { summarizeRun } from './run-summary';
import { differingParameters, runsTable } from './runs-table';

/** Prints the runs in a folder and in the sweeps below it, oldest first. @returns the exit code. */
export function listRuns(folder: string, asJson: boolean): number {
  if (!existsSync(folder)) {
    process.stderr.write(`Cannot list runs as the folder must exist: current value is ${folder}\n`);
    return 2;
  }
  const runs = foldersOf(folder).map((directory) => ({
    ...summarizeRun(directory),
    name: path.relative(folder, directory) || path.basename(directory),
  }));
  if (asJson) for (const run of runs) process.stdout.write(`${JSON.stringify(run)}\n`);
  else if (runs.length === 0) process.stderr.write(`No runs in ${folder}\n`);
  else process.stdout.write(`${runsTable(runs, differingParameters(runs).slice(0, 6))}\n`);
  return 0;
}

/** Folders of runs; what is inside of a run belongs to it. */
function foldersOf(folder: string, depth = 0): string[] {
  if (existsSync(path.join(folder, recordFile))) return [folder];
  const inner = readdirSync(folder, { withFileTypes: true })
    .filter((one) => one.isDirectory())
    .map(({ name }) => path.join(folder, name))
    .sort();
  const below = depth < 2 ? inner.flatMap((one) => foldersOf(one, depth + 1)) : [];
  return existsSync(path.join(folder, RUN_FILES.record)) ? [folder, ...below] : below;
}
