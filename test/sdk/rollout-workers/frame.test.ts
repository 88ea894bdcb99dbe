import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import {
  MAX_FRAME_HEADER_BYTES,
  MAX_FRAME_PAYLOAD_BYTES,
  readFrames,
  writeFrame,
  type Frame,
} from '@flowbook/sdk';

async function collect(stream: Readable): Promise<Frame[]> {
  const frames: Frame[] = [];
  for await (const frame of readFrames(stream)) frames.push(frame);
  return frames;
}

function prefix(header: number, payload: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(header, 0);
  bytes.writeUInt32LE(payload, 4);
  return bytes;
}

async function bytesOf(frames: readonly Frame[]): Promise<Buffer> {
  const stream = new PassThrough({ highWaterMark: 1 << 24 });
  for (const frame of frames) await writeFrame(stream, frame);
  stream.end();
  return Buffer.concat((await stream.toArray()) as Buffer[]);
}

describe('writeFrame()', () => {
  const big: Frame = { header: {}, payload: Buffer.alloc(1 << 20) };

  it('does not wait for a stream that is closed, or is closed while it is full', async () => {
    const stream = new PassThrough();
    const sent = writeFrame(stream, big);
    stream.destroy();
    await sent;
    await writeFrame(stream, big);
  });
});

describe('readFrames()', () => {
  const frames: Frame[] = [
    { header: { op: 'part', id: 1 }, payload: Buffer.from([1, 2, 3]) },
    { header: { text: 'ä\n' }, payload: Buffer.alloc(0) },
    { header: {}, payload: Buffer.alloc(70_000, 7) },
  ];

  it('gives what writeFrame() wrote, wherever the stream is cut', async () => {
    const bytes = await bytesOf(frames);
    for (const size of [1, 3, 8, 1000, bytes.length]) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
        bytes.subarray(at * size, (at + 1) * size),
      );
      const read = await collect(Readable.from(chunks));
      assert.deepEqual(
        read.map(({ header, payload }) => [header, Buffer.from(payload)]),
        frames.map(({ header, payload }) => [header, payload]),
      );
      if (size === 1) assert.equal(chunks.length, bytes.length);
    }
  });

  it('refuses lengths out of bounds before anything of that size is read', async () => {
    await assert.rejects(collect(Readable.from([prefix(MAX_FRAME_HEADER_BYTES + 1, 0)])), {
      message:
        'Cannot read a frame as its header must have at most 1048576 bytes: current value is 1048577',
    });
    await assert.rejects(collect(Readable.from([prefix(2, MAX_FRAME_PAYLOAD_BYTES + 1)])), {
      message:
        'Cannot read a frame as its payload must have at most 1073741824 bytes: current value is 1073741825',
    });
  });

  it('refuses a header that is no object, and a frame that is cut off', async () => {
    for (const text of ['[]', 'nul', '7']) {
      const bytes = Buffer.concat([prefix(text.length, 0), Buffer.from(text)]);
      await assert.rejects(collect(Readable.from([bytes])), {
        message: `Cannot read a frame as its header must be a JSON object: current value is ${text}`,
      });
    }
    const bytes = await bytesOf(frames.slice(0, 1));
    await assert.rejects(collect(Readable.from([bytes.subarray(0, -2)])), {
      message: /^Cannot read a frame as it must be whole: the stream ended after \d+ bytes of it$/,
    });
  });
});
