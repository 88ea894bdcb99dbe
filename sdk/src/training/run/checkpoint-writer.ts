import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { holdFiles, type HeldFile } from '../../io/held-files';
import { syncFolder } from '../../io/write-atomically';
import { writeJson } from '../../io/write-json';
import { writeProblem } from '../../io/write-problem';
import { HASHED_BYTES, MANIFEST, nameInManifest, type Manifest } from './checkpoint-manifest';
import { rotateCheckpoints } from './checkpoint-places';

/** A part of a checkpoint: writes its files below a folder. */
export type CheckpointPart = (folder: string) => void;

/** As `CheckpointWriter.write` says. */
interface WriteOptions {
  kept: number;
  after: readonly string[];
  then?: () => void;
  isTight: boolean;
}

/**
 * Writes checkpoints while training goes on. What they hold is copied at once; files, hashes and renaming follow in the
 * background, one checkpoint after the other, under another name until all of it is on disk.
 */
export class CheckpointWriter {
  #writing: Promise<void> = Promise.resolve();
  #failure: Error | null = null;
  /** Full paths of broken checkpoints: the next one of their name takes their place. */
  readonly broken = new Set<string>();

  /**
   * Begins to write, once the checkpoint before is written.
   *
   * @param options.kept Checkpoints that stay, this one included.
   * @param options.after Files that must be on disk before the checkpoint is in its place.
   * @param options.then What is done once it is in its place.
   * @param options.isTight Whether memory has no room for a copy of everything: parts are written one by one then.
   * @throws What the one before failed by; after that, this one may be tried.
   */
  async write(
    folder: string,
    parts: readonly CheckpointPart[],
    { kept, after, then, isTight }: WriteOptions,
  ): Promise<void> {
    await this.settle();
    const partial = `${folder}.${randomBytes(4).toString('hex')}.partial`;
    const manifest: Manifest = { files: {} };
    const put = (files: HeldFile[]) => writeFiles(partial, files, manifest);
    const guarded = async (work: () => Promise<void>) => {
      try {
        await work();
      } catch (error) {
        await rm(partial, { recursive: true, force: true }).catch(() => undefined);
        throw writeProblem(`checkpoint "${folder}"`, error);
      }
    };
    const copies: HeldFile[] = [];
    for (const part of parts) {
      const files = await captured(folder, () => holdFiles(() => part(partial)));
      if (isTight) await guarded(() => put(files));
      else copies.push(...files);
    }
    this.#writing = guarded(async () => {
      await put(copies);
      const listed = holdFiles(() => writeJson(join(partial, MANIFEST), manifest));
      await writeFiles(partial, listed, { files: {} });
      for (const path of after) await flush(path);
      rotateCheckpoints(folder, partial, kept, this.broken);
      then?.();
    }).catch((error: Error) => {
      this.#failure = error;
    });
  }

  /** Throws what writing in the background failed by, once. */
  throwIfFailed(): void {
    const failure = this.#failure;
    this.#failure = null;
    if (failure !== null) throw failure;
  }

  /** Waits until all is on disk. Throws what it failed by, once. */
  async settle(): Promise<void> {
    await this.#writing;
    this.throwIfFailed();
  }
}

/** What a part throws by itself comes from making its folder. */
async function captured(folder: string, work: () => HeldFile[]): Promise<HeldFile[]> {
  try {
    return work();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    throw writeProblem(`checkpoint "${folder}"`, error);
  }
}

/** Makes what was written to a file durable; one that is not there has nothing to lose. */
async function flush(path: string): Promise<void> {
  if (!existsSync(path)) return;
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

async function writeFiles(
  folder: string,
  files: readonly HeldFile[],
  manifest: Manifest,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const { path, parts } of files) {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(path, 'wx');
    const hash = createHash('sha256');
    let bytes = 0;
    try {
      for (const part of parts) {
        for (let at = 0; at < part.length; at += HASHED_BYTES) {
          const slice = part.subarray(at, at + HASHED_BYTES);
          hash.update(slice);
          for (let done = 0; done < slice.length;) {
            done += (await file.write(slice, done)).bytesWritten;
          }
        }
        bytes += part.length;
      }
      await file.sync();
    } finally {
      await file.close();
    }
    manifest.files[nameInManifest(folder, path)] = { bytes, sha256: hash.digest('hex') };
  }
  for (const one of new Set([...files.map(({ path }) => dirname(path)), folder])) syncFolder(one);
}
