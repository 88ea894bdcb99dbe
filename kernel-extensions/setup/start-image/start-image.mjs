import { createHash, randomUUID } from 'node:crypto';
import {
  existsSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cachedDataVersionTag } from 'node:v8';
import { cacheFolder } from '../cache-folder.mjs';
import { freeBytes } from '../disk-space.mjs';
import { withLock } from '../lock.mjs';
import { runCommand } from '../run-command.mjs';

const entry = fileURLToPath(new URL('entry.cjs', import.meta.url));
const check = fileURLToPath(new URL('check.cjs', import.meta.url));
/** The program that makes the image in the background. */
export const makerOfStartImages = new URL('make.mjs', import.meta.url);
const FOLDER = 'start-images';
/** An image has some 40 MB; one a clone is in use. */
const KEPT_IMAGES = 8;
const DAY_MS = 24 * 3600 * 1000;
/** What passes, and was taken for the image's fault, is over by then. */
const REFUSED_MS = 7 * DAY_MS;
/** Room for an image, and as much again while it is made. */
const ROOM_BYTES = 100e6;
/** By these a process is told to end, and by the first one the system makes room in memory. */
const STOPPED_BY = ['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'];
/** What Node says where memory, processes or the disk are used up. */
const SCARCE = /out of memory|bad_alloc|ENOMEM|EAGAIN|ENOSPC|EMFILE|no space left|cannot allocate/i;

function resolveOrNull(specifier) {
  try {
    return createRequire(import.meta.url).resolve(specifier);
  } catch {
    return null;
  }
}

/** What an image is made of: the compiler, and the folder of Node's type declarations where there is one. */
function sources() {
  const nodeTypes = resolveOrNull('@types/node/package.json');
  return {
    compilerPath: createRequire(import.meta.url).resolve('typescript'),
    typeRoots: nodeTypes ? [dirname(dirname(nodeTypes))] : [],
  };
}

/** A name that changes with Node, its flags, the processor, and the files that every image holds. */
function keyOf({ compilerPath, typeRoots }) {
  const files = [entry, compilerPath, ...typeRoots.map((root) => join(root, 'node/package.json'))];
  const states = files.map((file) => {
    const { size, mtimeMs } = statSync(file);
    return [file, size, mtimeMs];
  });
  const parts = [process.version, process.arch, cachedDataVersionTag(), states];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}

/** Where this installation's image lies in the cache, whether it is there or not. */
export function startImageFile(cache = cacheFolder()) {
  return join(cache, FOLDER, `${keyOf(sources())}.blob`);
}

/** Names the compiler that an image holds. */
const compilerNote = (file) => file.replace(/\.blob$/, '.of');

const refusalOf = (file) => file.replace(/\.blob$/, '.refused');

function isRefused(file) {
  const { mtimeMs = 0 } = statSync(refusalOf(file), { throwIfNoEntry: false }) ?? {};
  return Date.now() - mtimeMs < REFUSED_MS;
}

/**
 * The image to start the engine with: Node's own kind of snapshot, in which the compiler is loaded and the
 * declarations of the language's and of Node's libraries are read. Null where there is none.
 */
export function findStartImage(cache = cacheFolder()) {
  const file = startImageFile(cache);
  const state = statSync(file, { throwIfNoEntry: false });
  if (!state) return null;
  if (Date.now() - state.mtimeMs > DAY_MS) touch(file);
  return file;
}

/** Says that an image is in use, so that it is kept. */
function touch(file) {
  try {
    utimesSync(file, new Date(), new Date());
  } catch {
    // somebody else's cache, or gone since
  }
}

/**
 * Whether an image may be why a process ended so. It is not where the process could not be started, was stopped, or lacked memory
 * or room.
 *
 * @param end `{code, signal, stderr}`, the last one as far as it is known
 */
export function mayBeTheImage({ code, signal, stderr = '' }) {
  if (STOPPED_BY.includes(signal) || SCARCE.test(stderr)) return false;
  return signal ? true : code > 0;
}

/** Takes an image away with which the engine did not start, and makes none like it for a week. */
export function refuseStartImage(file) {
  writeFileSync(refusalOf(file), '');
  rmSync(file, { force: true });
}

/**
 * Makes the image unless it is there. It is tried before it takes its place.
 *
 * @returns what came of it, in words
 */
export async function ensureStartImage({ cache = cacheFolder() } = {}) {
  if (!resolveOrNull('typescript')) return 'left out, as npm packages are missing';
  const file = startImageFile(cache);
  const state = () =>
    existsSync(file) ? 'is in place' : isRefused(file) ? 'left out: it did not start' : null;
  return state() ?? withLock(cache, lockName(file), async () => state() ?? make(file));
}

/** Whether an image is wanted that nobody makes just now. */
export function isStartImageWanted(cache = cacheFolder()) {
  const file = startImageFile(cache);
  const lock = join(cache, 'locks', `${lockName(file)}.lock`);
  return !existsSync(file) && !isRefused(file) && !existsSync(lock);
}

const lockName = (file) => `start-image-${file.split(/[/\\]/).pop()}`;

async function make(file) {
  if (freeBytes(dirname(file)) < ROOM_BYTES) return 'left out for now: the disk is full';
  const fresh = `${file}.${randomUUID()}.fresh`;
  try {
    const built = await runCommand(process.execPath, [
      '--snapshot-blob',
      fresh,
      '--build-snapshot',
      entry,
      JSON.stringify(sources()),
    ]);
    const tried =
      built.code === 0
        ? await runCommand(process.execPath, ['--snapshot-blob', fresh, check])
        : built;
    if (tried.code !== 0) {
      if (!mayBeTheImage(tried)) return `left out for now: ${tried.signal ?? tried.stderr.trim()}`;
      writeFileSync(refusalOf(file), tried.stderr);
      return 'left out: this Node does not start from it';
    }
    writeFileSync(compilerNote(file), sources().compilerPath);
    renameSync(fresh, file);
  } finally {
    rmSync(fresh, { force: true });
  }
  removeOldest(dirname(file));
  return `made (${Math.round(statSync(file).size / 1e6)} MB)`;
}

/** Removes images of installations that are gone, and those that nobody has used for longest. */
function removeOldest(folder) {
  const images = readdirSync(folder)
    .filter((name) => name.endsWith('.blob'))
    .map((name) => join(folder, name))
    .map((path) => ({ path, used: statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
    .sort((a, b) => b.used - a.used);
  const kept = images.filter(({ path }) => isInstalled(path)).slice(0, KEPT_IMAGES);
  for (const image of images) {
    if (kept.includes(image)) continue;
    for (const path of [image.path, compilerNote(image.path)]) rmSync(path, { force: true });
  }
}

/** Whether the compiler that an image was made of is still there. */
function isInstalled(file) {
  try {
    return existsSync(readFileSync(compilerNote(file), 'utf8'));
  } catch {
    return false;
  }
}
