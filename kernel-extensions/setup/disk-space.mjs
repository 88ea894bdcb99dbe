import { mkdirSync, statfsSync } from 'node:fs';
import { SetupProblem } from './setup-problem.mjs';

/** Bytes that this user may still write in a folder's file system. */
export function freeBytes(folder) {
  mkdirSync(folder, { recursive: true });
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

const inGigabytes = (bytes) => `${(bytes / 1e9).toFixed(1)} GB`;

/** Throws a `SetupProblem` when the folder's file system has less room than `bytes`. */
export function requireDiskSpace(folder, bytes, purpose, free = freeBytes(folder)) {
  if (free >= bytes) return;
  throw new SetupProblem(
    'disk space',
    `Cannot ${purpose} as ${inGigabytes(bytes)} must be free in ${folder}: ${inGigabytes(free)} are free`,
    `df -h "${folder}"   and make room, or name a folder on a larger disk: export FLOWBOOK_CACHE=/path/to/folder`,
  );
}
