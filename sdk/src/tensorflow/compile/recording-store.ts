import { createHash, randomBytes } from 'node:crypto';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { decode, encode } from '@msgpack/msgpack';
import { tf } from '../backend';
import { buildKey, cacheFolder, isStoreOff, removeOldest } from '../compiled-store';

/** Files that were not used for longest go first beyond this. */
const MOST_BYTES = 2 ** 28;
/** Bytes of SHA-256, with which a file begins. */
const SUM_BYTES = 32;
/** Folders of this package whose code decides what is recorded. */
const FOLDERS = ['core', 'tensorflow', 'models'];

interface Store {
  folder: string;
  version: string;
}

let opened: Store | null | undefined;

/** Where something that was recorded lies; null where nothing is kept. */
export function keyInStore(identity: unknown): string | null {
  if (opened === undefined) opened = open();
  if (opened === null) return null;
  const text = JSON.stringify([opened.version, identity]);
  return join(opened.folder, `${sumOf(Buffer.from(text)).toString('hex').slice(0, 32)}.recording`);
}

/** What was written there, or null; what a file holds that was cut off or changed is not believed. */
export function readFromStore(path: string): unknown {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
    const now = new Date();
    utimesSync(path, now, now);
  } catch {
    return null;
  }
  const content = bytes.subarray(SUM_BYTES);
  if (!sumOf(content).equals(bytes.subarray(0, SUM_BYTES))) {
    process.stderr.write(`flowbook: records anew, as ${path} was cut off or changed\n`);
    return null;
  }
  return decode(content);
}

/** Writes for the next process. */
export function writeToStore(path: string, value: unknown): void {
  const content = encode(value);
  const temporary = `${path}.${randomBytes(4).toString('hex')}.partial`;
  try {
    writeFileSync(temporary, Buffer.concat([sumOf(content), content]), { mode: 0o600 });
    renameSync(temporary, path);
  } catch (error) {
    opened = null;
    process.stderr.write(`flowbook: keeps no recordings, as ${(error as Error).message}\n`);
  }
}

function open(): Store | null {
  if (isStoreOff()) return null;
  try {
    const folder = join(cacheFolder(), 'recorded');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    removeOldest(folder, MOST_BYTES);
    return { folder, version: versionKey() };
  } catch {
    return null;
  }
}

/** Stands for all code that a recording is made by, and what it asks of the process. */
function versionKey(): string {
  const hash = createHash('sha256').update(buildKey());
  const { TF_ENABLE_ONEDNN_OPTS: oneDnn } = process.env;
  hash.update(JSON.stringify([tf.version, process.versions.v8, oneDnn]));
  const root = dirname(dirname(__dirname));
  for (const folder of FOLDERS) {
    const names = readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' });
    for (const name of names.filter((name) => /\.(js|ts)$/.test(name)).sort()) {
      hash.update(name).update(readFileSync(join(root, folder, name)));
    }
  }
  return hash.digest('hex');
}

function sumOf(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
