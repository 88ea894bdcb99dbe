import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RandomKey } from '@flowbook/sdk';
import { LocalWorkers, WorkerPool } from '@flowbook/sdk';
import { CONFIG, MODEL } from '../sdk/rollout-workers/small-rollouts';
import { draw, requireEqual, trainHere, undisturbed } from './trial';

const PARTS = { microBatchSize: 1 };

/** Processes that roll out are killed at random moments, up to three: others take their parts, and the run keeps its bits. */
export async function rolloutWorkerLoss(key: RandomKey): Promise<void> {
  const expected = await undisturbed('rollout workers', () => trainHere(PARTS));
  const source = new LocalWorkers({ count: 2 });
  const pool = new WorkerPool(source, {
    path: MODEL,
    config: { ...CONFIG, algorithm: 'flow_grpo' },
  });
  let isOver = false;
  let kills = 0;
  const kill = async () => {
    while (!isOver && kills < 3) {
      await sleep(draw(key, `kill ${kills}`, 20, 400));
      const { processId } = source.links[draw(key, `which ${kills}`, 0, 2)] ?? {};
      // One that is left goes on; to kill each as it starts would leave nobody to work.
      if (isOver || pool.size < 2 || processId === undefined) continue;
      process.kill(processId, 'SIGKILL');
      kills += 1;
    }
  };
  const killer = kill();
  try {
    requireEqual(await trainHere({ ...PARTS, rolloutWorkers: pool }), expected);
    assert.ok(kills > 0, 'the run was over before a rollout worker was killed');
  } finally {
    isOver = true;
    await killer;
    await pool.close();
  }
}
