import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isProcess } from '../../core/process-identity';

/**
 * Takes over what an earlier download of a blob has left, and gives it a name that only this download uses; two
 * processes that want the same blob do not write into the same file.
 *
 * @param blob Path of the finished blob.
 * @returns The path to append to; a file is there if there was something to go on from.
 */
export function claimPartial(blob: string): string {
  const folder = dirname(blob);
  const mine = `${blob}.${process.pid}-${randomBytes(4).toString('hex')}.incomplete`;
  const left = readdirSync(folder)
    .filter((name) => isLeft(name, basename(blob)))
    .map((name) => join(folder, name))
    .sort((a, b) => sizeOf(b) - sizeOf(a));
  for (const path of left) {
    try {
      renameSync(path, mine);
      return mine;
    } catch (error) {
      // Another process was faster.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }
  return mine;
}

/** Leaves what has arrived for the next download of the blob. */
export function releasePartial(partial: string, blob: string): void {
  if (!existsSync(partial)) return;
  const left = `${blob}.incomplete`;
  if (sizeOf(partial) > sizeOf(left)) renameSync(partial, left);
  else rmSync(partial);
}

/** Bytes of a file; -1 when there is none. */
export function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? -1;
}

/** Released, or of a process that has ended without releasing it. */
function isLeft(name: string, blob: string): boolean {
  if (name === `${blob}.incomplete`) return true;
  if (!name.startsWith(`${blob}.`)) return false;
  const [, owner] = /^\.(\d+)-[0-9a-f]{8}\.incomplete$/.exec(name.slice(blob.length)) ?? [];
  return owner !== undefined && !isProcess(Number(owner));
}
