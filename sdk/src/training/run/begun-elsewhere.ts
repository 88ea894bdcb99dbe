import { existsSync, realpathSync } from 'node:fs';
import { checkpointsFrom, runOf, standingOf } from './checkpoint-places';
import { readRunLog } from './run-log';
import { readRunRecord } from './run-record';

/** Whether a checkpoint is one of the run in a folder. */
function isCheckpointOf(folder: string, checkpoint: string): boolean {
  const run = runOf(checkpoint);
  if (run === null || !existsSync(folder)) return false;
  return realpathSync(run) === realpathSync(folder);
}

/**
 * The step with which the run in a folder began from a checkpoint of elsewhere, as its run.json has it; null where it did not.
 *
 * @param base The newest checkpoint that it may have begun from; an older one may have been taken.
 * @throws When run.json or the log cannot be read.
 */
export function baseStepOf(folder: string, base: string): number | null {
  if (isCheckpointOf(folder, base)) return null;
  const steps = checkpointsFrom(base).map((place) => standingOf(place)?.step);
  const step = readRunRecord(folder)?.resumedAfter.find((one) => steps.includes(one)) ?? null;
  if (step === null || runOf(base) !== null) return step;
  // A checkpoint outside of a run brings no lines: earlier ones are another training's.
  const [first] = readRunLog(folder).lines;
  return first === undefined || first.step > step ? step : null;
}

/** Whether a checkpoint, or one before it, is of a step or a later one. */
export function hasReached(step: number, checkpoint: string): boolean {
  return checkpointsFrom(checkpoint).some((place) => (standingOf(place)?.step ?? -1) >= step);
}
