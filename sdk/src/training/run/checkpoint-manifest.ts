import { createHash } from 'node:crypto';
import { closeSync, existsSync, openSync, readSync, readdirSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { readJsonObject } from '../../io/read-json';

/** The file that lists all others of a checkpoint. It is written last. */
export const MANIFEST = 'manifest.json';

/** Bytes that are hashed in one go. */
export const HASHED_BYTES = 2 ** 22;

/** A file of a checkpoint, as its manifest has it. */
export interface ManifestEntry {
  bytes: number;
  /** In hexadecimal digits. */
  sha256: string;
}

/** What manifest.json holds: files by their path within the checkpoint, with `/` on every system. */
export interface Manifest {
  files: Record<string, ManifestEntry>;
}

/** A path within a checkpoint as its manifest names it. */
export function nameInManifest(folder: string, path: string): string {
  return relative(folder, path).split(sep).join('/');
}

/**
 * What is wrong with a checkpoint, by its manifest: a file that is missing, of another length or with other bytes, or one that
 * the manifest does not know. null when it is whole.
 */
export function whatIsBroken(folder: string): string | null {
  if (!existsSync(join(folder, MANIFEST))) return `${MANIFEST} is missing`;
  let files: [string, ManifestEntry][];
  try {
    const manifest = readJsonObject(join(folder, MANIFEST)) as unknown as Manifest;
    files = Object.entries(manifest.files);
    if (!files.every(([, { bytes, sha256 }]) => bytes >= 0 && typeof sha256 === 'string')) {
      return `${MANIFEST} does not list files`;
    }
  } catch (error) {
    return `${MANIFEST} cannot be read (${(error as Error).message})`;
  }
  const known = new Set([MANIFEST, ...files.map(([name]) => name)]);
  const stranger = filesIn(folder).find((name) => !known.has(name));
  if (stranger !== undefined) return `${stranger} is not in ${MANIFEST}`;
  for (const [name, { bytes, sha256 }] of files) {
    const path = join(folder, name);
    const size = statSync(path, { throwIfNoEntry: false })?.size;
    if (size === undefined) return `${name} is missing`;
    if (size !== bytes) return `${name} has ${size} bytes, and had ${bytes}`;
    if (hashOfFile(path) !== sha256) return `${name} has other bytes than were written`;
  }
  return null;
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => nameInManifest(folder, join(entry.parentPath, entry.name)));
}

function hashOfFile(path: string): string {
  const hash = createHash('sha256');
  const part = Buffer.allocUnsafe(HASHED_BYTES);
  const descriptor = openSync(path, 'r');
  try {
    for (let read; (read = readSync(descriptor, part)) > 0;) hash.update(part.subarray(0, read));
  } finally {
    closeSync(descriptor);
  }
  return hash.digest('hex');
}
