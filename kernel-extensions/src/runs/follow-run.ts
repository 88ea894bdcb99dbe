import { setTimeout as wait } from 'node:timers/promises';
import { RUN_FILES } from '@flowbook/sdk';
import { alarmText } from '../display/charts/alarm-text';
import { exitCodes } from '../script/exit-codes';
import { endedCells } from '../script/progress';
import { recordFile } from '../script/script-record';
import { standingOf } from './run-standing';
import { logsOf } from './run-summary';
import { shortNumber } from './runs-table';

const pollMs = 500;

/**
 * Prints a run's cells, training steps and alarms as they come, until it ends. Without script.json it is the training that the
 * folder's run.json is of.
 *
 * @returns its exit code; 2 when the folder is no run's.
 */
export async function followRun(folder: string): Promise<number> {
  let cells = 0;
  /** Lines and alarms of each training that were printed. */
  const printed = new Map<string, { lines: number; alarms: number }>();
  for (;;) {
    // The record first: what it says has ended has written all the rest before.
    const standing = standingOf(folder);
    if (standing === null) {
      process.stderr.write(
        `Cannot attach as the folder must hold a run's ${recordFile} or ${RUN_FILES.record}: current value is ${folder}\n`,
      );
      return exitCodes.wrongUse;
    }
    const ended = cellsOf(folder);
    for (const line of ended.slice(cells)) process.stdout.write(`${line}\n`);
    cells = ended.length;
    for (const [training, { lines, alarms }] of logsOf(folder)) {
      // A training that was taken up again may have fewer lines than before.
      const before = printed.get(training) ?? { lines: 0, alarms: 0 };
      for (const line of lines.slice(before.lines)) {
        process.stdout.write(`step ${line.step}, reward ${shortNumber(line.reward)}\n`);
      }
      for (const alarm of alarms.slice(before.alarms)) {
        process.stdout.write(`${alarmText(alarm)}\n`);
      }
      printed.set(training, { lines: lines.length, alarms: alarms.length });
    }
    const { state, error, exitCode } = standing;
    if (exitCode !== null) {
      process.stdout.write(`${state}${error === null ? '' : `: ${error}`}\n`);
      return exitCode;
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
