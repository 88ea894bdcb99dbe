import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
} from 'node:fs';
import { join } from 'node:path';
import { isEventFile } from '../../io/tensorboard/event-file';
import { syncFolder } from '../../io/write-atomically';
import { RUN_FILES } from './run-files';

/**
 * Moves what a run left into `earlier/<count>` of its folder, which is a run's folder from then on: another run begins in its place.
 * Where it lies is said on stderr. A move that is cut short goes on in the same place, which has a copy of the record from the
 * beginning; checkpoints, by which it is told that the run is another, go after what they tell nothing of.
 *
 * @param differences What tells the two runs apart, each in words.
 * @throws When the operating system refuses.
 */
export function setRunAside(folder: string, differences: readonly string[]): void {
  const { checkpoints, log, pictures, record, earlier } = RUN_FILES;
  let aside = join(folder, earlier, '1');
  for (let count = 2; existsSync(aside) && !haveSame(record, folder, aside); count++) {
    aside = join(folder, earlier, String(count));
  }
  mkdirSync(aside, { recursive: true });
  if (existsSync(join(folder, record))) copyFileSync(join(folder, record), join(aside, record));
  const events = readdirSync(folder).filter(isEventFile);
  for (const name of [log, pictures, ...events, checkpoints, record]) {
    if (existsSync(join(folder, name))) renameSync(join(folder, name), join(aside, name));
  }
  syncFolder(aside);
  syncFolder(folder);
  process.stderr.write(
    `Begins anew, as the run before was another; what it left lies in "${aside}" (resume: "${aside}" goes on with it all the same): ${differences.join('; ')}\n`,
  );
}

/** Whether two folders have the same file of a name. */
function haveSame(name: string, one: string, other: string): boolean {
  const [a, b] = [join(one, name), join(other, name)];
  return existsSync(a) && existsSync(b) && readFileSync(a).equals(readFileSync(b));
}
