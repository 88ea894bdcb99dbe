import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { WorkerPool, type RolloutPart } from '@flowbook/sdk';
import { EMPTY, HeldWorkers, partAt, turns, type HeldWorker } from './held-workers';

describe('WorkerPool with many parts', () => {
  let source: HeldWorkers;
  let pool: WorkerPool;
  /** Parts whose embeddings were asked for. */
  let encoded: number;

  const part = (start: number): RolloutPart => partAt(start, () => (encoded += 1));

  beforeEach(async () => {
    encoded = 0;
    source = new HeldWorkers();
    pool = new WorkerPool(source, { path: 'none' });
    await pool.publish(1, EMPTY);
    await turns();
  });

  afterEach(() => pool.close());

  it('gives a worker one part at a time, and encodes no part before a worker is free', async () => {
    const parts = Array.from({ length: 12 }, (_, at) => pool.rollOut(part(at), 1, null));
    await turns();
    assert.deepEqual([pool.size, encoded], [2, 2]);
    for (let done = 1; done <= 12; done++) {
      const busy = source.links.find(({ asked }) => asked.length > 0) as HeldWorker;
      busy.asked.shift()?.();
      await turns();
      // A part is encoded anew to be decoded, where embeddings come back as they were sent; none do here.
      assert.equal(encoded, Math.min(12, 2 + done));
    }
    assert.equal((await Promise.all(parts)).length, 12);
    assert.deepEqual(
      source.links.map(({ most }) => most),
      [1, 1],
    );
  });

  it('reports what each worker did, and nothing twice', async () => {
    const parts = Array.from({ length: 3 }, (_, at) => pool.rollOut(part(at), 1, null));
    await turns();
    source.links[0].asked.shift()?.();
    await turns();
    source.links.forEach(({ asked }) => asked.shift()?.());
    await Promise.all(parts);
    const { workers } = pool.takeReport();
    assert.deepEqual(
      workers.map(({ worker, parts: count, busySeconds }) => [worker, count, busySeconds]),
      [
        ['first', 2, 1],
        ['second', 1, 0.5],
      ],
    );
    assert.ok(workers.every(({ bytesIn, bytesOut }) => bytesIn > 0 && bytesOut > 0));
    assert.deepEqual(
      pool.takeReport().workers.map(({ parts: count, busySeconds }) => [count, busySeconds]),
      [
        [0, 0],
        [0, 0],
      ],
    );
  });

  it('listens once to a signal that eleven parts and more wait with', async () => {
    const warnings: string[] = [];
    const warned = (warning: Error) => void warnings.push(warning.name);
    process.on('warning', warned);
    const controller = new AbortController();
    const parts = Array.from({ length: 40 }, (_, at) =>
      pool.rollOut(part(at), 1, controller.signal),
    );
    await sleep(1);
    controller.abort(new Error('enough'));
    const ends = await Promise.allSettled(parts);
    process.removeListener('warning', warned);
    assert.deepEqual(warnings, []);
    assert.ok(ends.every((end) => end.status === 'rejected' && end.reason.message === 'enough'));
  });
});
