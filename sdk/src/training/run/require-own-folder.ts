import { existsSync, realpathSync } from 'node:fs';
import type { LogLine } from '../step-report';
import { checkpointIn, checkpointsFrom, runOf, standingOf } from './checkpoint-places';
import type { ChosenCheckpoint } from './choose-checkpoint';
import { readRunPictures } from './picture-files';
import { RUN_FILES } from './run-files';
import { readRunLog, readTrainingLog } from './run-log';

/** Numbers of a line that an evaluation which is made later leaves as they are. */
const OF_UPDATES = ['step', 'seconds', 'reward', 'loss'];

/**
 * Refuses a folder that holds another training than the one whose checkpoint is resumed into it: log, pictures and checkpoints
 * would be replaced. What an attempt leaves that ended before its first step is taken: the lines that the resumed run begins with,
 * the evaluation of the last one, and checkpoints and pictures of their steps.
 *
 * @param folder Where the run is to write.
 * @throws When the folder holds another training; the message names both, and what is there.
 */
export function requireOwnFolder(folder: string, { place, info }: ChosenCheckpoint): void {
  const run = runOf(place);
  if (run === null || !existsSync(folder) || realpathSync(folder) === realpathSync(run)) return;
  const first = readTrainingLog(run, info.training, info.step).lines;
  const { lines } = readRunLog(folder);
  const isBegun = lines.every((line, at) => isSame(line, first[at], at === lines.length - 1));
  const isOwn = (of?: number): boolean => isBegun && lines.some(({ step }) => step === of);
  const newest = checkpointIn(folder);
  const checkpoints = newest === null ? [] : checkpointsFrom(newest);
  const held = [
    ...(isBegun ? [] : [RUN_FILES.log]),
    ...(readRunPictures(folder).every(({ step }) => isOwn(step)) ? [] : [RUN_FILES.pictures]),
    ...(checkpoints.every((one) => isOwn(standingOf(one)?.step)) ? [] : [RUN_FILES.checkpoints]),
  ];
  if (held.length === 0) return;
  throw new Error(
    `Cannot resume from "${place}" into "${folder}" as that folder must hold no other training: it has ${held.join(', ')}; name another runDirectory, or set resume to true to go on with what is there`,
  );
}

/** Compared as they stand in a file, where NaN is null. @param isLast Whether its evaluation may be in one of them alone. */
function isSame(a: LogLine, b: LogLine | undefined, isLast: boolean): boolean {
  return (
    JSON.stringify(a, isLast ? OF_UPDATES : null) === JSON.stringify(b, isLast ? OF_UPDATES : null)
  );
}
