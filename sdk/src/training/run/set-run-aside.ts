import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { isEventFile } from '../../io/tensorboard/event-file';
import { syncFolder } from '../../io/write-atomically';
import { RUN_FILES } from './run-files';

/**
 * Moves what a run left into `earlier/<count>` of its folder, which is a run's folder from then on: another run begins in its place.
 * Where it lies is said on stderr. The record goes last, so that a move which is cut short goes on in the same place.
 *
 * @param differences What tells the two runs apart, each in words.
 * @throws When the operating system refuses.
 */
export function setRunAside(folder: string, differences: readonly string[]): void {
  const asideOf = (count: number): string => join(folder, RUN_FILES.earlier, String(count));
  let count = 1;
  while (existsSync(join(asideOf(count), RUN_FILES.record))) count += 1;
  const aside = asideOf(count);
  mkdirSync(aside, { recursive: true });
  const { checkpoints, log, pictures, record } = RUN_FILES;
  const events = readdirSync(folder).filter(isEventFile);
  for (const name of [checkpoints, log, pictures, ...events, record]) {
    if (existsSync(join(folder, name))) renameSync(join(folder, name), join(aside, name));
  }
  syncFolder(aside);
  syncFolder(folder);
  process.stderr.write(
    `Begins anew, as the run before was another; what it left lies in "${aside}" (resume: "${aside}" goes on with it all the same): ${differences.join('; ')}\n`,
  );
}
