import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { takeFile } from './held-files';
import { writeProblem } from './write-problem';

/** Appends bytes to the file being written. */
export type Append = (bytes: Uint8Array) => void;

/**
 * Writes a file so that readers see the old content or the new one, never a part: temporary name beside it,
 * fsync, rename, fsync of the folder. The folder is made when it is missing.
 *
 * @param path Where the file ends up.
 * @param write Called once with a function that appends bytes.
 * @throws When the operating system refuses; the message says why in words, and what was there before stays.
 * @example
 * writeAtomically('runs/state.json', (append) => append(Buffer.from('{}')));
 */
export function writeAtomically(path: string, write: (append: Append) => void): void {
  if (takeFile(path, write)) return;
  const folder = dirname(path);
  const temporary = `${path}.${randomBytes(4).toString('hex')}.partial`;
  try {
    mkdirSync(folder, { recursive: true });
    const descriptor = openSync(temporary, 'wx');
    try {
      write((bytes) => appendAll(descriptor, bytes));
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw writeProblem(`"${path}"`, error);
  }
  syncFolder(folder);
}

/** Node writes at most 2 GiB in one call, and may write less than asked. */
function appendAll(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) {
    done += writeSync(descriptor, bytes, done, Math.min(bytes.length - done, 2 ** 30));
  }
}

/** Makes renames within a folder durable. Windows cannot open folders and does not need it. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
