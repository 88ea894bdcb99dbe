import { join, resolve } from 'node:path';
import { checkpointIn, runOf } from './checkpoint-places';
import { makeRunFolder, nextRunFolder, runFolders } from './named-folders';
import type { RunOptions } from './run-options';

/** Where new folders are made when nothing else is said. */
const RUNS = 'runs';

/** Makes a run's folder, the newest of its name. */
function makeFolder(parent: string, name: string, now: Date): string {
  if (!/^[\w.-]+$/.test(name)) {
    throw new Error(
      `Cannot make a run's folder as its name must consist of letters, digits, "_", "-" and ".": current value is "${name}"`,
    );
  }
  return makeRunFolder(nextRunFolder(parent, name, now));
}

/** The newest folder of a name that has a checkpoint, or null. */
function newestOf(parent: string, name: string): string | null {
  return runFolders(parent, name).find((folder) => checkpointIn(folder) !== null) ?? null;
}

/** Where a run writes, and the checkpoint that it goes on from. */
export interface OpenedRun {
  /** Absolute: a program may go to another folder while it trains. */
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
    return opened(own ?? runOf(checkpoint) ?? usual, checkpoint);
  }
  const known = runDirectory ?? (runName === null ? usual : null);
  const before = known ?? (runName === null ? null : newestOf(parent, runName));
  const checkpoint = resume === false || before === null ? null : checkpointIn(before);
  if (resume === true && checkpoint === null) {
    const looked = before ?? (runName === null ? null : join(parent, `*-${runName}`));
    throw nothingToResume(looked === null ? 'the run has no folder' : `"${looked}" has none`);
  }
  if (checkpoint !== null) return opened(before, checkpoint);
  return opened(known ?? (runName === null ? null : makeFolder(parent, runName, now)), null);
}

function opened(folder: string | null, checkpoint: string | null): OpenedRun {
  return { folder: folder && resolve(folder), checkpoint };
}

function nothingToResume(what: string): Error {
  return new Error(`Cannot resume as there must be a checkpoint: ${what}`);
}
