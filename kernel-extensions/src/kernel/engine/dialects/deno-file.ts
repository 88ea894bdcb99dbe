import * as fs from 'node:fs';
import { createReadStream, createWriteStream } from 'node:fs';
import { Readable, Writable } from 'node:stream';
import { translated } from './deno-errors';

interface OpenOptions {
  read?: boolean;
  write?: boolean;
  append?: boolean;
  truncate?: boolean;
  create?: boolean;
  createNew?: boolean;
}

/** `Deno.openSync(path, options)`. */
export function openFile(path: string | URL, options: OpenOptions = { read: true }): FsFile {
  const { read = false, write = false, append = false } = options;
  const { O_RDONLY, O_WRONLY, O_RDWR, O_APPEND, O_TRUNC, O_CREAT, O_EXCL } = fs.constants;
  let flags = write || append ? (read ? O_RDWR : O_WRONLY) : O_RDONLY;
  if (append) flags |= O_APPEND;
  if (options.truncate) flags |= O_TRUNC;
  if (options.create) flags |= O_CREAT;
  if (options.createNew) flags |= O_CREAT | O_EXCL;
  return new FsFile(fs.openSync(path, flags));
}

/** An open file of Deno's. */
class FsFile {
  constructor(private readonly descriptor: number) {}

  /** Its text as a stream; the file is closed at the stream's end. */
  get readable(): unknown {
    return Readable.toWeb(createReadStream('', { fd: this.descriptor }));
  }

  get writable(): unknown {
    return Writable.toWeb(createWriteStream('', { fd: this.descriptor }));
  }

  /** Fills a buffer; gives the number of bytes, null at the end. */
  readSync(buffer: Uint8Array): number | null {
    const count = guarded(() => fs.readSync(this.descriptor, buffer));
    return count === 0 && buffer.length > 0 ? null : count;
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    return this.readSync(buffer);
  }

  writeSync(data: Uint8Array): number {
    return guarded(() => fs.writeSync(this.descriptor, data));
  }

  async write(data: Uint8Array): Promise<number> {
    return this.writeSync(data);
  }

  close(): void {
    guarded(() => fs.closeSync(this.descriptor));
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw translated(error);
  }
}
