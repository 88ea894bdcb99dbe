import { createHash } from 'node:crypto';
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  unlinkSync,
} from 'node:fs';
import { cpus, homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { environmentChoice } from '../core/environment-choice';
import { flagsLine } from '../core/processor-flags';
import { findChanged } from './stored-checksums';

/** Files that were not used for longest go first beyond this. */
const MOST_BYTES = 2 ** 30;

/**
 * Makes XLA keep what it compiled in the user's cache folder, so that the next process finds it. Has to be called before
 * TensorFlow is loaded. FLOWBOOK_COMPILED_STORE=off leaves it out; so does a folder that cannot be written.
 *
 * Compiled code fits one processor and one build of the library: each has a folder of its own. A file that was cut off, or
 * holds something else than when it was first seen, is removed with a word on stderr: XLA would not compile what it holds, or run
 * what nobody compiled.
 */
export function useCompiledStore(environment = process.env): void {
  const given = environment.TF_XLA_FLAGS ?? '';
  if (isStoreOff(environment) || given.includes('persistent_cache')) return;
  let folder: string;
  try {
    folder = join(cacheFolder(environment), 'compiled', buildKey());
    // TensorFlow splits its flags at spaces.
    if (/\s/.test(folder)) return;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    removeOldest(folder, MOST_BYTES);
    const damaged = removeDamaged(folder);
    if (damaged.length > 0) {
      process.stderr.write(
        `flowbook: compiles ${damaged.length} stored graphs anew, as files in ${folder} were cut off or changed\n`,
      );
    }
    process.once('exit', () => rememberNew(folder));
  } catch {
    return;
  }
  environment.TF_XLA_FLAGS = `${given} --tf_xla_persistent_cache_directory=${folder}`.trim();
}

/** @throws When the variable says anything but `off`. */
export function isStoreOff(environment = process.env): boolean {
  return environmentChoice('FLOWBOOK_COMPILED_STORE', ['off'], environment) !== undefined;
}

/** Flowbook's folder in the user's cache, as kernel-extensions/setup, which runs before anything is built, finds it. FLOWBOOK_CACHE wins. */
export function cacheFolder(environment = process.env, platform = process.platform): string {
  if (environment.FLOWBOOK_CACHE) return resolve(environment.FLOWBOOK_CACHE);
  const home = environment.HOME || homedir();
  if (platform === 'win32') {
    return join(environment.LOCALAPPDATA || join(home, 'AppData', 'Local'), 'flowbook');
  }
  if (platform === 'darwin') return join(home, 'Library', 'Caches', 'flowbook');
  return join(environment.XDG_CACHE_HOME || join(home, '.cache'), 'flowbook');
}

/** Stands for the processor and the library. */
export function buildKey(): string {
  const hash = createHash('sha256').update(`${cpus()[0]?.model}`).update(flagsLine());
  const tfjs = dirname(require.resolve('@tensorflow/tfjs-node-gpu/package.json'));
  hash.update(readFileSync(join(tfjs, 'lib', 'napi-v8', 'tfjs_binding_tensorflow.node')));
  return hash.digest('hex').slice(0, 16);
}

/** Removes files, those that were not used for longest first, until the others are `mostBytes` at most. */
export function removeOldest(folder: string, mostBytes: number): void {
  const files = readdirSync(folder)
    .map((name) => join(folder, name))
    .map((path) => ({ path, ...statOf(path) }))
    .sort((a, b) => b.usedAtMs - a.usedAtMs);
  let bytes = 0;
  for (const { path, size } of files) {
    bytes += size;
    if (bytes > mostBytes) unlinkSync(path);
  }
}

/** Where it is kept what a folder's files held when they were first seen. */
const recordOf = (folder: string) => `${folder}.checksums.json`;

/** Keeps what files hold that this process has compiled. */
function rememberNew(folder: string): void {
  try {
    findChanged(folder, recordOf(folder), { onlyNew: true });
  } catch {
    // The next process sees them first.
  }
}

/** Removes files of compiled functions that are not whole, or hold something else than at first; gives their names. */
export function removeDamaged(folder: string): string[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.pb'));
  const cutOff = names.filter((name) => !isWholeMessage(join(folder, name)));
  const remove = (name: string) => rmSync(join(folder, name), { force: true });
  cutOff.forEach(remove);
  const changed = findChanged(folder, recordOf(folder));
  changed.forEach(remove);
  return [...cutOff, ...changed];
}

/** Whether a file is a message on the wire from its first byte to its last: fields 1, 2 and 3, each with its length. */
function isWholeMessage(path: string): boolean {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    // Another process has removed it.
    return true;
  }
  try {
    const { size } = fstatSync(file);
    const head = Buffer.alloc(6);
    let at = 0;
    for (let field = 1; at < size; field++) {
      const read = readSync(file, head, 0, head.length, at);
      // Of a field with a length, the tag ends in 2.
      if (head[0] !== field * 8 + 2) return false;
      let length = 0;
      let end = 1;
      do {
        if (end >= read) return false;
        length += (head[end] & 0x7f) * 2 ** (7 * (end - 1));
      } while (head[end++] >= 0x80);
      at += end + length;
      if (at === size) return field >= 3;
    }
    return false;
  } finally {
    closeSync(file);
  }
}

function statOf(path: string): { size: number; usedAtMs: number } {
  const { size, atimeMs, mtimeMs } = statSync(path);
  return { size, usedAtMs: Math.max(atimeMs, mtimeMs) };
}
