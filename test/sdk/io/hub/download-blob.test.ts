import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import timers from 'node:timers/promises';
import { downloadBlob, type BlobDownload } from '../../../../sdk/src/io/hub/download-blob';
import { inFolder } from '../../training/run/small-runs';
import { sha256 } from './hub-server';

const content = Uint8Array.of(1, 2, 3);
const file = { path: 'vae/a.safetensors', bytes: 3, hash: sha256(content) };

/** Has what a download waits between attempts begun by `wait`. */
async function waitingBy(wait: typeof timers.setTimeout, work: () => Promise<void>): Promise<void> {
  const { setTimeout } = timers;
  timers.setTimeout = wait;
  try {
    await work();
  } finally {
    timers.setTimeout = setTimeout;
  }
}

describe('downloadBlob()', () => {
  let attempts = 0;
  let waited: (number | undefined)[] = [];
  const noWait = (async (ms?: number) => void waited.push(ms)) as typeof timers.setTimeout;
  const download = (
    folder: string,
    read: BlobDownload['read'],
    signal: AbortSignal | null = null,
  ): Promise<void> => {
    attempts = 0;
    waited = [];
    return downloadBlob({
      file,
      blob: join(folder, file.hash),
      read: (start) => {
        attempts += 1;
        return read(start);
      },
      onBytes: () => {},
      signal,
    });
  };
  const brokenOff = () => {
    throw new Error('broken off');
  };
  const gives = (bytes: Uint8Array) =>
    async function* () {
      yield bytes;
    };

  it('waits twice as long after each attempt in a row that brings nothing, and gives up after five', () =>
    inFolder((folder) =>
      waitingBy(noWait, async () => {
        await assert.rejects(download(folder, brokenOff), { message: 'broken off' });
        assert.equal(attempts, 5);
        const [first] = waited as number[];
        assert.ok(first > 0);
        assert.deepEqual(
          waited,
          [1, 2, 4, 8].map((times) => times * first),
        );
      }),
    ));

  it('counts anew after an attempt that brought something', () =>
    inFolder((folder) =>
      waitingBy(noWait, async () => {
        const read = (start: number) =>
          (async function* () {
            // Two attempts without a byte before each byte.
            if (attempts % 3 !== 0) throw new Error('broken off');
            yield content.subarray(start, start + 1);
            if (start < 2) throw new Error('broken off');
          })();
        await download(folder, read);
        assert.equal(attempts, 9);
        assert.deepEqual(new Uint8Array(readFileSync(join(folder, file.hash))), content);
      }),
    ));

  it('asks once for a file that has another hash, and keeps none of it', () =>
    inFolder((folder) =>
      waitingBy(noWait, async () => {
        await assert.rejects(download(folder, gives(Uint8Array.of(3, 2, 1))), {
          name: 'HubError',
          message: /its hash must be /,
        });
        assert.deepEqual([attempts, readdirSync(folder)], [1, []]);
      }),
    ));

  it("ends with its signal's reason while it waits, and asks no more", () =>
    inFolder((folder) => {
      const stop = new AbortController();
      const { setTimeout } = timers;
      const waitAndStop = ((...given: Parameters<typeof setTimeout>) => {
        setImmediate(() => stop.abort(new Error('enough')));
        return setTimeout(...given);
      }) as typeof setTimeout;
      return waitingBy(waitAndStop, async () => {
        await assert.rejects(download(folder, brokenOff, stop.signal), { message: 'enough' });
        assert.equal(attempts, 1);
      });
    }));
});
