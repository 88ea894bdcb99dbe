import { existsSync, realpathSync } from 'node:fs';
import { checkpointIn, runOf } from './checkpoint-places';
import type { ChosenCheckpoint } from './choose-checkpoint';
import { readRunPictures } from './picture-files';
import { RUN_FILES } from './run-files';
import { readRunLog } from './run-log';

/**
 * Refuses a folder that holds another training than the one whose checkpoint is resumed into it: log, pictures and checkpoints
 * would be replaced. The lines that the resumed run begins with are taken: an attempt that ended before its first step leaves them.
 *
 * @param folder Where the run is to write.
 * @throws When the folder holds another training; the message names both, and what is there.
 */
export function requireOwnFolder(folder: string, { place, info }: ChosenCheckpoint): void {
  const run = runOf(place);
  if (run === null || !existsSync(folder) || realpathSync(folder) === realpathSync(run)) return;
  const first = readRunLog(run, info.step).lines;
  const isBegun = readRunLog(folder).lines.every((line, at) => isSame(line, first[at]));
  const held = [
    ...(isBegun ? [] : [RUN_FILES.log]),
    ...(readRunPictures(folder).length === 0 ? [] : [RUN_FILES.pictures]),
    ...(checkpointIn(folder) === null ? [] : [RUN_FILES.checkpoints]),
  ];
  if (held.length === 0) return;
  throw new Error(
    `Cannot resume from "${place}" into "${folder}" as that folder must hold no other training: it has ${held.join(', ')}; name another runDirectory, or set resume to true to go on with what is there`,
  );
}

/** Compared as they stand in a file, where NaN is null. */
function isSame(a: object, b: object | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
