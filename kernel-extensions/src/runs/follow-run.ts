import { setTimeout as wait } from 'node:timers/promises';
import { endedCells } from '../script/progress';
import { readRecord } from '../script/script-record';
import { logsOf, summarizeRun } from './run-summary';
import { shortNumber } from './runs-table';

const pollMs = 500;

/** Prints a run's cells and training steps as they come, until it ends. @returns its exit code; 2 when the folder is no run's. */
export async function followRun(folder: string): Promise<number> {
  if (!readRecord(folder)) {
    process.stderr.write(
      `Cannot attach as the folder must hold a run's script.json: current value is ${folder}\n`,
    );
    return 2;
  }
  let cells = 0;
  /** Lines of each training that were printed. */
  const steps = new Map<string, number>();
  for (;;) {
    // The record first: what it says has ended has written all the rest before.
    const { exitCode, error } = readRecord(folder)!;
    const { state } = summarizeRun(folder);
    const ended = cellsOf(folder);
    for (const line of ended.slice(cells)) process.stdout.write(`${line}\n`);
    cells = ended.length;
    for (const [training, log] of logsOf(folder)) {
      // A training that was taken up again may have fewer lines than before.
      for (const line of log.slice(steps.get(training) ?? 0)) {
        process.stdout.write(`step ${line.step}, reward ${shortNumber(line.reward)}\n`);
      }
      steps.set(training, log.length);
    }
    if (state !== 'running') {
      process.stdout.write(`${state}${error === null ? '' : `: ${error}`}\n`);
      return exitCode ?? 1;
    }
    await wait(pollMs);
  }
}

function cellsOf(folder: string): string[] {
  return endedCells(folder).map(
    ({ cell, state, seconds }) =>
      `[${cell}] ${state === 'done' ? `${seconds.toFixed(1)} s` : state}`,
  );
}
