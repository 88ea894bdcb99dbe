import type { Readable, Writable } from 'node:stream';

/** Most bytes of a frame's header. */
export const MAX_FRAME_HEADER_BYTES = 1 << 20;
/** Most bytes of a frame's payload; larger ones are sent in several frames. */
export const MAX_FRAME_PAYLOAD_BYTES = 1 << 30;

/** What a frame says, as JSON. */
export type FrameHeader = Readonly<Record<string, unknown>>;

/** A message between a trainer and a worker: what it is about, and tensors as a safetensors file's bytes. */
export interface Frame {
  header: FrameHeader;
  payload: Uint8Array;
}

const NOTHING = new Uint8Array(0);

/** A frame's bytes before its payload: both lengths as u32le, then the header as JSON. */
function encodePrefix(header: FrameHeader, payload: Uint8Array): Buffer {
  const text = Buffer.from(JSON.stringify(header));
  checkLengths(text.length, payload.length, 'send');
  const prefix = Buffer.alloc(8 + text.length);
  prefix.writeUInt32LE(text.length, 0);
  prefix.writeUInt32LE(payload.length, 4);
  text.copy(prefix, 8);
  return prefix;
}

/** @throws When a part of a frame is too long: then the other side is no worker, or the stream lost its place. */
function checkLengths(header: number, payload: number, action: 'send' | 'read'): void {
  if (header > MAX_FRAME_HEADER_BYTES) {
    throw new Error(
      `Cannot ${action} a frame as its header must have at most ${MAX_FRAME_HEADER_BYTES} bytes: current value is ${header}`,
    );
  }
  if (payload > MAX_FRAME_PAYLOAD_BYTES) {
    throw new Error(
      `Cannot ${action} a frame as its payload must have at most ${MAX_FRAME_PAYLOAD_BYTES} bytes: current value is ${payload}`,
    );
  }
}

/**
 * Writes a frame. Waits while the stream is full, so that frames do not pile up in memory. A stream that is closed, before or
 * meanwhile, is not waited for: what reads the answers notices.
 *
 * @throws When header or payload is too long.
 *
 * @example
 * import { PassThrough } from 'node:stream';
 * const stream = new PassThrough();
 * await writeFrame(stream, { header: {} });
 * (stream.read() as Buffer).length; // 10 // two lengths of 4 bytes, and {}
 */
export async function writeFrame(
  stream: Writable,
  { header, payload = NOTHING }: { header: FrameHeader; payload?: Uint8Array },
): Promise<void> {
  const prefix = encodePrefix(header, payload);
  stream.cork();
  stream.write(prefix);
  const isFull = payload.length > 0 && !stream.write(payload);
  stream.uncork();
  if (!isFull || stream.destroyed) return; // a closed one sends no event any more
  await new Promise<void>((resolve) => {
    const go = () => {
      for (const event of ['drain', 'close', 'error']) stream.removeListener(event, go);
      resolve();
    };
    for (const event of ['drain', 'close', 'error']) stream.once(event, go);
  });
}

/**
 * The frames of a stream, one after the other; ends where the stream ends.
 *
 * @throws When a length is out of bounds, a header is no JSON object, or the stream ends within a frame.
 *
 * @example
 * import { PassThrough } from 'node:stream';
 * const stream = new PassThrough();
 * await writeFrame(stream, { header: { kind: 'hello' } });
 * stream.end();
 * const headers = [];
 * for await (const { header } of readFrames(stream)) headers.push(header);
 * headers; // [{ kind: 'hello' }]
 */
export async function* readFrames(stream: Readable): AsyncGenerator<Frame> {
  let chunks: Buffer[] = [];
  let held = 0;
  const take = (length: number): Buffer => {
    const all = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
    chunks = all.length > length ? [all.subarray(length)] : [];
    held -= length;
    return all.subarray(0, length);
  };
  let lengths: { header: number; payload: number } | null = null;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    held += chunk.length;
    for (;;) {
      if (lengths === null) {
        if (held < 8) break;
        const prefix = take(8);
        lengths = { header: prefix.readUInt32LE(0), payload: prefix.readUInt32LE(4) };
        checkLengths(lengths.header, lengths.payload, 'read');
      }
      if (held < lengths.header + lengths.payload) break;
      const header = parseHeader(take(lengths.header));
      const payload = lengths.payload === 0 ? NOTHING : take(lengths.payload);
      lengths = null;
      yield { header, payload };
    }
  }
  if (held > 0 || lengths !== null) {
    throw new Error(
      `Cannot read a frame as it must be whole: the stream ended after ${held} bytes of it`,
    );
  }
}

function parseHeader(bytes: Buffer): FrameHeader {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    value = null;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(
      `Cannot read a frame as its header must be a JSON object: current value is ${bytes.toString('utf8').slice(0, 80)}`,
    );
  }
  return value as FrameHeader;
}
