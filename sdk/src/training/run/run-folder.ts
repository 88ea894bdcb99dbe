import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { checkpointIn, runOf } from './checkpoint-places';
import type { RunOptions } from './run-options';

/** Where new folders are made when nothing else is said. */
const RUNS = 'runs';

/** Local time, as folders' names begin. */
function stampOf(now: Date): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`;
  return `${day}-${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`;
}

/** A run's folder below others: `<stamp>-<name>`, with `~<count>` from the second of a stamp on. */
interface NamedFolder {
  folder: string;
  stamp: string;
  count: number;
}

/** The folders of a name, the newest last. */
function foldersOf(parent: string, name: string): NamedFolder[] {
  if (!existsSync(parent)) return [];
  return readdirSync(parent)
    .flatMap((folder) => {
      const [, stamp, own, count = '1'] = /^(\d{8}-\d{6})-(.*?)(?:~(\d+))?$/.exec(folder) ?? [];
      return own === name ? [{ folder: join(parent, folder), stamp, count: Number(count) }] : [];
    })
    .sort((a, b) => (a.stamp === b.stamp ? a.count - b.count : a.stamp < b.stamp ? -1 : 1));
}

/**
 * Makes a run's folder, the newest of its name: where the clock is behind the one before, as after a change of the time zone,
 * that one's time is taken with the next number.
 */
function makeFolder(parent: string, name: string, now: Date): string {
  if (!/^[\w.-]+$/.test(name)) {
    throw new Error(
      `Cannot make a run's folder as its name must consist of letters, digits, "_", "-" and ".": current value is "${name}"`,
    );
  }
  mkdirSync(parent, { recursive: true });
  const before = foldersOf(parent, name).at(-1);
  const own = { stamp: stampOf(now), count: 0 };
  const { stamp, count: last } = before && before.stamp >= own.stamp ? before : own;
  for (let count = last + 1; ; count++) {
    const folder = join(parent, `${stamp}-${name}${count === 1 ? '' : `~${count}`}`);
    try {
      mkdirSync(folder);
      return folder;
    } catch (error) {
      // Another run was quicker.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

/** The newest folder of a name that has a checkpoint, or null. */
function newestOf(parent: string, name: string): string | null {
  const folders = foldersOf(parent, name).map(({ folder }) => folder);
  return folders.reverse().find((folder) => checkpointIn(folder) !== null) ?? null;
}

/** Where a run writes, and the checkpoint that it goes on from. */
export interface OpenedRun {
  folder: string | null;
  checkpoint: string | null;
}

/**
 * Finds or makes a run's folder, and the checkpoint that `resume` asks for. A checkpoint's own folder is never a run's: one that lies
 * outside of a run is read alone.
 *
 * @throws When there is no checkpoint to go on from, unless `resume` is 'auto', or the name cannot be one of a folder.
 */
export function openRun(
  { runDirectory = null, runName = null, resume = false }: RunOptions<never>,
  now = new Date(),
): OpenedRun {
  const usual = process.env.FLOWBOOK_RUN_DIR || null;
  const parent = usual ?? RUNS;
  if (typeof resume === 'string' && resume !== 'auto') {
    const checkpoint = checkpointIn(resume);
    if (checkpoint === null) throw nothingToResume(`"${resume}" has none`);
    const own = runDirectory ?? (runName === null ? null : makeFolder(parent, runName, now));
    return { folder: own ?? runOf(checkpoint) ?? usual, checkpoint };
  }
  const known = runDirectory ?? (runName === null ? usual : null);
  const before = known ?? (runName === null ? null : newestOf(parent, runName));
  const checkpoint = resume === false || before === null ? null : checkpointIn(before);
  if (resume === true && checkpoint === null) {
    const looked = before ?? (runName === null ? null : join(parent, `*-${runName}`));
    throw nothingToResume(looked === null ? 'the run has no folder' : `"${looked}" has none`);
  }
  if (checkpoint !== null) return { folder: before, checkpoint };
  return {
    folder: known ?? (runName === null ? null : makeFolder(parent, runName, now)),
    checkpoint: null,
  };
}

function nothingToResume(what: string): Error {
  return new Error(`Cannot resume as there must be a checkpoint: ${what}`);
}
