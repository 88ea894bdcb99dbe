import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { syncFolder } from '../../io/write-atomically';
import { MANIFEST } from './checkpoint-manifest';
import { RUN_FILES } from './run-files';

/** A checkpoint's place when `age` newer ones have been made: `last`, `last.previous`, `last.previous-2`. */
export function placeOf(folder: string, age: number): string {
  if (age === 0) return folder;
  return age === 1 ? `${folder}.previous` : `${folder}.previous-${age}`;
}

/** The age that a name says, as `placeOf` gives names; null when it is another's. */
function ageOf(name: string, of: string): number | null {
  if (name === of) return 0;
  const found = name.startsWith(of) ? /^\.previous(?:-(\d+))?$/.exec(name.slice(of.length)) : null;
  return found === null ? null : Number(found[1] ?? 1);
}

/** What there is of a checkpoint and the ones before it, the newest first. */
function placesThatExist(folder: string): string[] {
  const parent = dirname(folder);
  if (!existsSync(parent)) return [];
  return readdirSync(parent)
    .flatMap((name) => ageOf(name, basename(folder)) ?? [])
    .sort((a, b) => a - b)
    .map((age) => placeOf(folder, age));
}

/**
 * The checkpoint that a path stands for, whole or not: a checkpoint's folder, or the last one of a run's; the best one where a
 * run ended before its first `last`. null when there is none.
 *
 * @example
 * checkpointIn('notebooks'); // null // no folder of a run
 */
export function checkpointIn(path: string): string | null {
  const last = join(path, RUN_FILES.checkpoints, 'last');
  if (existsSync(join(path, MANIFEST))) return path;
  // A run that ended while it put the new one in place has left the one before.
  const before =
    placesThatExist(last)[0] ?? placesThatExist(path).find((one) => one !== path) ?? null;
  if (before !== null) return before;
  const best = join(path, RUN_FILES.checkpoints, 'best');
  return existsSync(join(best, MANIFEST)) ? best : null;
}

/** The folder of the run that a checkpoint belongs to; null where it lies elsewhere, as a copy may. */
export function runOf(checkpoint: string): string | null {
  const parent = basename(dirname(resolve(checkpoint)));
  return parent === RUN_FILES.checkpoints ? join(checkpoint, '../..') : null;
}

/** A checkpoint and the ones before it, the newest first. @param place As `checkpointIn` found it. */
export function checkpointsFrom(place: string): string[] {
  const candidates = placesThatExist(place.replace(/\.previous(-\d+)?$/, ''));
  return candidates.slice(candidates.indexOf(place));
}

/**
 * Puts a new checkpoint in its place. Those before move on by one place, and what is more than `kept` is removed. Whenever the
 * process ends, every checkpoint is somewhere under a name that `checkpointIn` looks for.
 *
 * @param broken Places of checkpoints that are of no use: they are removed first, and leave the set.
 */
export function rotateCheckpoints(
  folder: string,
  by: string,
  kept: number,
  broken: Set<string> = new Set(),
): void {
  for (const place of placesThatExist(folder)) {
    if (broken.delete(resolve(place))) rmSync(place, { recursive: true, force: true });
  }
  let free = 0;
  while (existsSync(placeOf(folder, free))) free += 1;
  for (let age = free; age > 0; age--) renameSync(placeOf(folder, age - 1), placeOf(folder, age));
  renameSync(by, folder);
  syncFolder(dirname(folder));
  syncFolder(dirname(dirname(folder)));
  for (const place of placesThatExist(folder).slice(kept)) {
    rmSync(place, { recursive: true, force: true });
  }
}

/** What `writeAtomically` and the writer of checkpoints call a thing that is not whole yet. */
const UNFINISHED = /\.[0-9a-f]{8}\.partial$/;

/** Removes what writing left behind that was stopped on its way: of checkpoints, of the record and log, of pictures. */
export function removePartial(run: string): void {
  for (const folder of [run, join(run, RUN_FILES.pictures), join(run, RUN_FILES.checkpoints)]) {
    if (!existsSync(folder)) continue;
    for (const name of readdirSync(folder)) {
      if (UNFINISHED.test(name)) rmSync(join(folder, name), { recursive: true, force: true });
    }
  }
}
