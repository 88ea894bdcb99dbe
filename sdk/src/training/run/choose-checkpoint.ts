import { join } from 'node:path';
import { readCheckpointInfo, type CheckpointInfo } from './checkpoint-info';
import { whatIsBroken } from './checkpoint-manifest';
import { checkpointsFrom, runOf, standingOf } from './checkpoint-places';
import { RUN_FILES } from './run-files';
import { readTrainingLog } from './run-log';

/** What a run goes on from. */
export interface ChosenCheckpoint {
  place: string;
  info: CheckpointInfo;
  /** Places of newer ones that are broken. */
  broken: string[];
}

/**
 * The checkpoint that a run goes on from: the newest whole one that the log reaches, the best one among them, as steps that are done again lose nothing;
 * where it reaches none, the newest whole one. What is passed over, and lines that stay missing, are named on stderr.
 *
 * @param found As `checkpointIn` found it.
 * @throws When none is whole; the message names what is wrong with each.
 */
export function chooseCheckpoint(found: string): ChosenCheckpoint {
  const run = runOf(found);
  // Of its own training: others may have begun in the folder since.
  const lastLineOf = ({ training }: CheckpointInfo): number =>
    run === null ? 0 : (readTrainingLog(run, training).lines.at(-1)?.step ?? 0);
  const problems = new Map<string, string>();
  const whole: ChosenCheckpoint[] = [];
  for (const place of checkpointsFrom(found)) {
    const problem = whatIsBroken(place);
    if (problem !== null) {
      problems.set(place, problem);
      continue;
    }
    const info = readCheckpointInfo(place);
    whole.push({ place, info, broken: [...problems.keys()] });
    // Outside of a run there is no log that an older one could fit better.
    if (run === null || info.step <= lastLineOf(info)) break;
  }
  const named = (place: string): string => `"${place}": ${problems.get(place)}`;
  if (whole.length === 0) {
    const all = [...problems.keys()].map(named).join('; ');
    throw new Error(
      `Cannot resume as a checkpoint must be whole: ${all}; remove them to begin anew`,
    );
  }
  const [newest] = whole;
  const lastLine = lastLineOf(newest.info);
  const reached = whole.find(({ info }) => info.step <= lastLineOf(info));
  const chosen = reached ?? newest;
  for (const place of chosen.broken) {
    say(`Skips a broken checkpoint and takes the one before: ${named(place)}`);
  }
  const end =
    run === null
      ? `"${found}" lies outside of a run's folder`
      : `"${join(run, RUN_FILES.log)}" ends with step ${lastLine}`;
  if (reached === undefined) {
    say(`Goes on without lines of ${stepsFrom(lastLine + 1, newest.info.step)}: ${end}`);
  } else if (reached !== newest) {
    const again = stepsFrom(reached.info.step + 1, newest.info.step);
    say(`Goes on from "${reached.place}" and does ${again} again: ${end}`);
  }
  return chosen;
}

/** Whether a checkpoint is of a step, and whole; one of that step which is broken is named on stderr. */
export function isWholeOf(step: number, place: string): boolean {
  if (standingOf(place)?.step !== step) return false;
  const problem = whatIsBroken(place);
  if (problem !== null) say(`Skips a broken checkpoint of step ${step}: "${place}": ${problem}`);
  return problem === null;
}

function stepsFrom(first: number, last: number): string {
  return first === last ? `step ${first}` : `steps ${first} to ${last}`;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
