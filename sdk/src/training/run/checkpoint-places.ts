import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { syncFolder } from '../../io/write-atomically';
import { infoOrNull, type CheckpointInfo } from './checkpoint-info';
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

/** What a folder of a run holds; nothing where it is not there. */
function namesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  try {
    return readdirSync(folder);
  } catch (error) {
    const { message } = error as Error;
    throw new Error(
      `Cannot use "${folder}" for a run as it must be a folder that can be read: ${message}`,
      { cause: error },
    );
  }
}

/** What there is of a checkpoint and the ones before it, the newest first. */
function placesThatExist(folder: string): string[] {
  return namesIn(dirname(folder))
    .flatMap((name) => ageOf(name, basename(folder)) ?? [])
    .sort((a, b) => a - b)
    .map((age) => placeOf(folder, age));
}

/** How far a run's folder had come: which of its trainings, and which step of that. */
export type Standing = Required<Pick<CheckpointInfo, 'training' | 'step'>>;

/** What a checkpoint says that it is of; null where it says nothing. */
export function standingOf(place: string): Standing | null {
  const info = infoOrNull(place);
  return info && { training: info.training ?? 1, step: info.step };
}

function isBefore(one: Standing | null, other: Standing | null): boolean {
  if (one === null || other === null) return false;
  return one.training === other.training ? one.step < other.step : one.training < other.training;
}

/** The folder of a run's best checkpoint. */
function bestOf(run: string): string {
  return join(run, RUN_FILES.checkpoints, 'best');
}

/**
 * All checkpoints of a run, the newest first: the last ones by their names, and the best one among them by its training and step. A run that ended
 * while a new best one took the place of the one before has left `best.previous`.
 */
export function checkpointsOf(run: string): string[] {
  const places = placesThatExist(join(run, RUN_FILES.checkpoints, 'last'));
  for (const best of placesThatExist(bestOf(run))) {
    if (!existsSync(join(best, MANIFEST))) continue;
    const standing = standingOf(best) ?? { training: 1, step: 0 };
    const older = places.findIndex((place) => isBefore(standingOf(place), standing));
    places.splice(older < 0 ? places.length : older, 0, best);
  }
  return places;
}

/**
 * The checkpoint that a path stands for, whole or not: a checkpoint's folder, or the newest one of a run's. null when there is none.
 *
 * @example
 * checkpointIn('notebooks'); // null // no folder of a run
 */
export function checkpointIn(path: string): string | null {
  if (existsSync(join(path, MANIFEST))) return path;
  // A run that ended while it put the new one in place has left the one before.
  return checkpointsOf(path)[0] ?? placesThatExist(path).find((one) => one !== path) ?? null;
}

/** The folder of the run that a checkpoint belongs to; null where it lies elsewhere, as a copy may. */
export function runOf(checkpoint: string): string | null {
  const parent = basename(dirname(resolve(checkpoint)));
  return parent === RUN_FILES.checkpoints ? join(checkpoint, '../..') : null;
}

/** A checkpoint and the ones before it, the newest first. @param place As `checkpointIn` found it. */
export function checkpointsFrom(place: string): string[] {
  const run = runOf(place);
  const isPlace = (one: string): boolean => resolve(one) === resolve(place);
  const own = run === null ? [] : checkpointsOf(run);
  const all = own.some(isPlace) ? own : placesThatExist(place.replace(/\.previous(-\d+)?$/, ''));
  return [place, ...all.slice(all.findIndex(isPlace) + 1)];
}

/** Where checkpoints lie that a run has gone back behind. */
const ABANDONED = 'abandoned';

/**
 * Sets a run's checkpoints of later steps and trainings aside: it goes on from that step, and those are of what it did before. They stay
 * below `checkpoints/abandoned`, with those that it set aside before, until `forgetAbandoned`. stderr names them.
 */
export function abandonCheckpoints(run: string, from: Standing): void {
  const later = checkpointsOf(run).filter((place) => isBefore(from, standingOf(place)));
  if (later.length === 0) return;
  const checkpoints = join(run, RUN_FILES.checkpoints);
  const aside = join(checkpoints, ABANDONED);
  mkdirSync(aside, { recursive: true });
  for (const place of later) renameSync(place, freePlace(join(aside, basename(place))));
  syncFolder(checkpoints);
  const named = later.map((one) => `"${one}"`).join(', ');
  process.stderr.write(
    `Goes back to step ${from.step}: ${named} lie below checkpoints/abandoned until the next one is made\n`,
  );
}

/** The path, or with the first number behind it that nothing has. */
function freePlace(path: string): string {
  let free = path;
  for (let count = 2; existsSync(free); count++) free = `${path}~${count}`;
  return free;
}

/** Removes what a run has gone back behind, once it has a checkpoint of a step that it did since. */
export function forgetAbandoned(run: string): void {
  rmSync(join(run, RUN_FILES.checkpoints, ABANDONED), { recursive: true, force: true });
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

/** Copies a whole checkpoint into another place, of its run or another. @param broken As `rotateCheckpoints` takes it. */
export async function copyCheckpoint(from: string, to: string, broken: Set<string>): Promise<void> {
  const partial = `${to}.${randomBytes(4).toString('hex')}.partial`;
  await cp(from, partial, { recursive: true });
  rotateCheckpoints(to, partial, 1, broken);
}

/** What `writeAtomically` and the writer of checkpoints call a thing that is not whole yet. */
const UNFINISHED = /\.[0-9a-f]{8}\.partial$/;

/** Removes what writing left behind that was stopped on its way: of checkpoints, of the record and log, of pictures. */
export function removePartial(run: string): void {
  for (const folder of [run, join(run, RUN_FILES.pictures), join(run, RUN_FILES.checkpoints)]) {
    for (const name of namesIn(folder)) {
      if (UNFINISHED.test(name)) rmSync(join(folder, name), { recursive: true, force: true });
    }
  }
}
