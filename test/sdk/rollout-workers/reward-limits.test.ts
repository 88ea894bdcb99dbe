import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import {
  RewardPool,
  WorkerLost,
  pixelImage,
  type Frame,
  type PartialRewardFailure,
  type WorkerEvents,
  type WorkerLink,
  type WorkerSource,
} from '@flowbook/sdk';

/** A worker's answer to prompts; null: it never comes. */
type Rate = (prompts: string[]) => { values: number[]; residentBytes?: number } | null;

/** Workers in this process, each of which has a `Rate` of its own; one that is closed is replaced. */
class InstantWorkers implements WorkerSource {
  started = 0;
  #events: WorkerEvents | null = null;

  constructor(private readonly makeRate: () => Rate) {}

  async open(events: WorkerEvents): Promise<void> {
    this.#events = events;
    this.#add();
  }

  #add(): void {
    this.started += 1;
    const name = `worker-${this.started}`;
    const rate = this.makeRate();
    let lose: (reason: Error) => void = () => {};
    const lost = new Promise<never>((_, reject) => (lose = reject));
    lost.catch(() => {});
    const link: WorkerLink = {
      name,
      call: async ({ header }: Frame) => {
        const prompts = (header.prompts as { prompt: string }[]).map(({ prompt }) => prompt);
        const answer = rate(prompts);
        if (answer === null) return lost;
        return { header: { busySeconds: 0, ...answer }, payload: new Uint8Array(0) };
      },
      close: () => {
        lose(new WorkerLost('it was ended'));
        // A process takes a moment to end.
        setTimeout(() => {
          this.#events?.left(link, 'it was ended');
          this.#add();
        }, 5);
      },
    };
    this.#events?.joined(link);
  }

  async keep(): Promise<void> {}
  drop(): void {}
  async close(): Promise<void> {}
}

const rate = (pool: RewardPool, prompts: string[], signal: AbortSignal | null = null) =>
  pool.reward(
    prompts.map(() => pixelImage(1, 1, [0, 0, 0])),
    prompts.map((prompt) => ({ prompt })),
    { signal },
  );

describe('limits of RewardPool', () => {
  it('fails on the pictures alone that three workers never rated, and counts the workers', async () => {
    const workers = new InstantWorkers(
      () => (prompts) => (prompts.includes('stuck') ? null : { values: prompts.map(() => 1) }),
    );
    const pool = new RewardPool(workers, { reward: 'any', picturesPerPart: 1, timeoutMs: 50 });
    await assert.rejects(rate(pool, ['a', 'stuck', 'b']), (error: PartialRewardFailure) => {
      assert.match(
        error.message,
        /^1 of 3 requests failed: Cannot wait for worker worker-3 as it must rate 1 pictures, the first of "stuck", within 0.05 s \(3 tries\)$/,
      );
      assert.deepEqual(error.values, [1, NaN, 1]);
      return true;
    });
    const ended = () => pool.reward.takeMetrics?.()['reward_workers/ended_late'];
    assert.equal(ended(), 3);
    assert.deepEqual(await rate(pool, ['c']), [1]);
    assert.equal(ended(), 0);
    await pool.close();
  });

  it('takes the rating of another worker when one was late', async () => {
    let isFirst = true;
    const workers = new InstantWorkers(() => (prompts) => {
      if (!isFirst) return { values: prompts.map(() => 2) };
      isFirst = false;
      return null;
    });
    const pool = new RewardPool(workers, { reward: 'any', timeoutMs: 50 });
    assert.deepEqual(await rate(pool, ['a', 'b']), [2, 2]);
    assert.equal(workers.started, 2);
    assert.equal(pool.takeReport().requeued, 1);
    await pool.close();
  });

  it('replaces a worker that holds too much memory after its part, whose values count', async () => {
    const workers = new InstantWorkers(() => {
      let held = 0;
      return (prompts) => ({ values: prompts.map(() => 3), residentBytes: (held += 40) });
    });
    const pool = new RewardPool(workers, {
      reward: 'any',
      picturesPerPart: 1,
      mostMemoryBytes: 100,
    });
    // Each is ended after its third part: 120 bytes.
    assert.deepEqual(await rate(pool, ['a', 'b', 'c', 'd', 'e', 'f', 'g']), Array(7).fill(3));
    const metrics = pool.reward.takeMetrics?.() ?? {};
    assert.equal(workers.started, 3);
    assert.equal(metrics['reward_workers/ended_large'], 2);
    assert.equal(metrics['reward_workers/worker-3/residentBytes'], 40);
    assert.equal(metrics['reward_workers/ended_late'], 0);
    await pool.close();
  });

  it('asks about many parts at a time without a warning of leaked listeners', async () => {
    const warnings: string[] = [];
    const warned = ({ name }: Error) => void warnings.push(name);
    process.on('warning', warned);
    try {
      const workers = new InstantWorkers(() => (prompts) => ({ values: prompts.map(() => 1) }));
      const pool = new RewardPool(workers, { reward: 'any', picturesPerPart: 1 });
      const prompts = Array.from({ length: 40 }, (_, at) => `${at}`);
      const { signal } = new AbortController();
      assert.equal((await rate(pool, prompts, signal)).length, 40);
      // Warnings come with the next tick.
      await setImmediate();
      await pool.close();
    } finally {
      process.off('warning', warned);
    }
    assert.deepEqual(warnings, []);
  });

  it('leaves workers alone by default, whatever they hold', async () => {
    const workers = new InstantWorkers(() => (prompts) => ({
      values: prompts.map(() => 3),
      residentBytes: 2 ** 50,
    }));
    const pool = new RewardPool(workers, { reward: 'any', picturesPerPart: 1 });
    assert.deepEqual(await rate(pool, ['a', 'b', 'c']), [3, 3, 3]);
    assert.equal(workers.started, 1);
    await pool.close();
  });
});
