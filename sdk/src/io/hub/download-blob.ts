import { createHash, type Hash } from 'node:crypto';
import { createReadStream, renameSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { HubError } from './hub-fetch';
import { claimPartial, releasePartial, sizeOf } from './partial-file';

/** A file that a hub offers. */
export interface HubFile {
  /** Path in the model, with "/". */
  path: string;
  /** Size in bytes. */
  bytes: number;
  /** SHA-256 of a large file; git's SHA-1 of a small one. */
  hash: string;
}

/** What a download of one file needs. */
export interface BlobDownload {
  file: HubFile;
  /** Path of the finished blob. */
  blob: string;
  /** The file's bytes from `start` on. */
  read(start: number): AsyncIterable<Uint8Array>;
  /** Told of bytes as they arrive, and of a negative number when some are thrown away. */
  onBytes(count: number): void;
  signal: AbortSignal | null;
}

/** Attempts in a row that brought nothing, before a download is given up. */
const MOST_ATTEMPTS = 5;
const FIRST_PAUSE_MS = 250;

/**
 * Downloads a file into the cache's blobs: goes on where an earlier download was cut, tries again when the connection
 * breaks, and gives the blob its name only after its hash was checked.
 *
 * @throws When the hub refuses, five attempts in a row bring nothing, or the bytes have another hash; the signal's reason once
 *   that is aborted.
 */
export async function downloadBlob(download: BlobDownload): Promise<void> {
  const { file, blob, onBytes, signal } = download;
  const partial = claimPartial(blob);
  try {
    let isResumed = sizeOf(partial) > 0;
    onBytes(Math.max(sizeOf(partial), 0));
    for (let failures = 0; ;) {
      const before = sizeOf(partial);
      try {
        const found = await receive(download, partial);
        if (found === file.hash) break;
        onBytes(-sizeOf(partial));
        rmSync(partial);
        // What an earlier download has left may be broken: once more, from the start.
        if (!isResumed) throw wrongHash(file, found);
        isResumed = false;
      } catch (error) {
        signal?.throwIfAborted();
        failures = sizeOf(partial) > before ? 1 : failures + 1;
        if (!isPassing(error) || failures >= MOST_ATTEMPTS) throw error;
        const waited = pause(FIRST_PAUSE_MS * 2 ** failures, undefined, {
          signal: signal ?? undefined,
        });
        await waited.catch(() => signal?.throwIfAborted());
      }
    }
    renameSync(partial, blob);
  } finally {
    releasePartial(partial, blob);
  }
}

/** Appends what is missing and returns the hash of the whole. */
async function receive(
  { file, read, onBytes }: BlobDownload,
  partial: string,
): Promise<string | null> {
  const handle = await open(partial, 'a');
  try {
    const hash = startHash(file);
    let done = 0;
    for await (const chunk of createReadStream(partial)) {
      hash.update(chunk as Buffer);
      done += (chunk as Buffer).length;
    }
    if (done < file.bytes) {
      for await (const chunk of read(done)) {
        await handle.appendFile(chunk);
        hash.update(chunk);
        done += chunk.length;
        onBytes(chunk.length);
        if (done > file.bytes) return null;
      }
      if (done < file.bytes) {
        throw new HubError(
          `Cannot download "${file.path}" as it must have ${file.bytes} bytes: current value is ${done}`,
          true,
        );
      }
    }
    return done === file.bytes ? hash.digest('hex') : null;
  } finally {
    await handle.close();
  }
}

function startHash({ hash, bytes }: HubFile): Hash {
  // git hashes a header before the content.
  return hash.length === 64 ? createHash('sha256') : createHash('sha1').update(`blob ${bytes}\0`);
}

function wrongHash({ path, hash, bytes }: HubFile, found: string | null): Error {
  const rule =
    found === null
      ? `it must have ${bytes} bytes: current value is more`
      : `its hash must be ${hash}: current value is ${found}`;
  return new HubError(`Cannot download "${path}" as ${rule}`, false);
}

/** Errors of a broken connection come from the stream and are no HubError. */
function isPassing(error: unknown): boolean {
  if (error instanceof HubError) return error.isPassing;
  const { code = '' } = Object(error) as { code?: string };
  return !/^(ENOSPC|EACCES|EROFS|EDQUOT|EIO|ENOENT|EMFILE)$/.test(code);
}
