import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  rmSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { writeAtomically } from '../write-atomically';

/**
 * A model's place in the cache that the ecosystem shares: `models--owner--name` with `blobs` by hash, `refs` from
 * branches and tags to commits, and `snapshots`, one folder of links a commit.
 *
 * Layout: https://huggingface.co/docs/huggingface_hub/guides/manage-cache
 */
export class HubCache {
  readonly #folder: string;

  /** @param model `owner/name` */
  constructor(cacheFolder: string, model: string) {
    this.#folder = join(cacheFolder, `models--${model.replace('/', '--')}`);
  }

  /** The folder that blobs lie in, made when it is missing. */
  blobs(): string {
    const folder = join(this.#folder, 'blobs');
    mkdirSync(folder, { recursive: true });
    return folder;
  }

  /** Where a commit's files lie by name. */
  snapshot(commit: string): string {
    return join(this.#folder, 'snapshots', commit);
  }

  /** The commit that a revision stood for when it was last asked for; null when it never was. */
  commitOf(revision: string): string | null {
    if (isCommit(revision)) return existsSync(this.snapshot(revision)) ? revision : null;
    const file = join(this.#folder, 'refs', revision);
    if (!existsSync(file)) return null;
    const commit = readFileSync(file, 'utf8').trim();
    return isCommit(commit) ? commit : null;
  }

  /** Notes which commit a revision stands for. */
  remember(revision: string, commit: string): void {
    if (revision === commit) return;
    writeAtomically(join(this.#folder, 'refs', revision), (append) => append(Buffer.from(commit)));
  }

  /** Gives a blob its name in a snapshot: a relative link, or a copy where links cannot be made. */
  link(commit: string, path: string, hash: string): void {
    const pointer = join(this.snapshot(commit), path);
    const blob = join(this.blobs(), hash);
    mkdirSync(dirname(pointer), { recursive: true });
    rmSync(pointer, { force: true });
    try {
      symlinkSync(relative(dirname(pointer), blob), pointer);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EPERM' && code !== 'EACCES' && code !== 'ENOTSUP') throw error;
      copyFileSync(blob, pointer);
    }
  }
}

/** Whether a text is a whole commit hash. */
export function isCommit(text: string): boolean {
  return /^[0-9a-f]{40}$/.test(text);
}

/** Whether a file of this size is there, links followed. */
export function hasFile(path: string, bytes: number): boolean {
  return existsSync(path) && statSync(path).size === bytes;
}
