import { Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

type WriteCallback = (error?: Error | null) => void;

/**
 * Stands in for process.stdout or process.stderr: what is written goes to `print` at once, whole.
 * The real stream is never opened, so its descriptor stays blocking and native code loses nothing.
 */
class CapturedStream extends Writable {
  private readonly decoder = new StringDecoder('utf8');

  constructor(
    readonly fd: 1 | 2,
    private readonly print: (text: string) => void,
  ) {
    super({ decodeStrings: false });
  }

  override write(
    chunk: string | Uint8Array,
    encodingOrCallback?: BufferEncoding | WriteCallback,
    callback?: WriteCallback,
  ): boolean {
    const done = typeof encodingOrCallback === 'function' ? encodingOrCallback : callback;
    const encoding = typeof encodingOrCallback === 'string' ? encodingOrCallback : 'utf8';
    this.print(
      typeof chunk === 'string' && encoding.startsWith('utf')
        ? chunk
        : this.decoder.write(Buffer.from(chunk as string, encoding)),
    );
    if (done) process.nextTick(done);
    return true;
  }

  /** Writes and calls back; the kernel's streams stay open, as a terminal's do. */
  override end(
    chunk?: string | Uint8Array | WriteCallback | null,
    encodingOrCallback?: BufferEncoding | WriteCallback,
    callback?: WriteCallback,
  ): this {
    if (typeof chunk === 'function') return this.end(null, chunk);
    this.write(chunk ?? '', encodingOrCallback, callback);
    return this;
  }

  override _write(chunk: string | Uint8Array, encoding: BufferEncoding, done: WriteCallback): void {
    this.write(chunk, encoding);
    done();
  }
}

/** Replaces process.stdout and process.stderr. */
export function captureStandardStreams(print: (name: 'stdout' | 'stderr', text: string) => void) {
  for (const [name, fd] of [
    ['stdout', 1],
    ['stderr', 2],
  ] as const) {
    const stream = new CapturedStream(fd, (text) => print(name, text));
    Object.defineProperty(process, name, { configurable: true, enumerable: true, value: stream });
  }
}
