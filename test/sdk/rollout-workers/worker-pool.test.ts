import assert from 'node:assert/strict';
import {
  LocalWorkers,
  RandomKey,
  WorkerPool,
  loadPipeline,
  rolloutGroups,
  tf,
  trainDiffusionNFT,
  trainFlowGRPO,
  type FlowGRPOOptions,
  type LogLine,
  type PoolEvent,
  type RolloutBatch,
  type RolloutPipeline,
  type StepReport,
} from '@flowbook/sdk';
import { CONFIG, MODEL, SMALL } from './small-rollouts';

/** Everything of a log but times, places and what workers did. */
function numbers(log: readonly LogLine[]): Record<string, number>[] {
  const others = /[sS]econds$|^workers|^requeued|^duplicates|^staleness/;
  return log.map((line) =>
    Object.fromEntries(Object.entries(line).filter(([name]) => !others.test(name))),
  );
}

async function everyNumber(batch: RolloutBatch): Promise<number[][]> {
  const tensors = Object.values(batch.tensors).filter((one) => one instanceof tf.Tensor);
  return [
    ...(await Promise.all(tensors.map(async (tensor) => Array.from(await tensor.data())))),
    ...batch.images.map(({ data }) => Array.from(data)),
  ];
}

describe('WorkerPool', function () {
  this.timeout(180_000);
  let pipeline: RolloutPipeline;
  let source: LocalWorkers;
  let pool: WorkerPool;
  let events: PoolEvent[];

  /** Until a child that loads has done so: an own process, on a busy machine. */
  async function until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 20));
  }

  function open(count: number, options: { lateAfterSeconds?: number } = {}): void {
    events = [];
    source = new LocalWorkers({ count });
    pool = new WorkerPool(
      source,
      { path: MODEL, config: CONFIG },
      { ...options, onEvent: (event) => void events.push(event) },
    );
  }

  beforeEach(async () => {
    pipeline = await loadPipeline(MODEL, CONFIG);
  });

  afterEach(async () => {
    await pool.close();
    pipeline.dispose();
  });

  it('makes every bit that this process makes, with one worker and with two', async () => {
    const prompts = [{ prompt: 'a red fox' }, { prompt: 'two cats and a dog' }];
    const options = { key: RandomKey.fromSeed(3), groupSize: 3, microBatchSize: 2 };
    const here = await rolloutGroups(pipeline, prompts, { ...options, trueCfgScale: 3 });
    const expected = await everyNumber(here);
    here.dispose();
    for (const count of [1, 2]) {
      open(count);
      await pool.publish(1, pipeline.transformer);
      const before = tf.memory().numTensors;
      const there = await rolloutGroups(pipeline, prompts, {
        ...options,
        trueCfgScale: 3,
        elsewhere: { workers: pool, version: 1 },
      });
      assert.deepEqual(await everyNumber(there), expected);
      there.dispose();
      assert.equal(tf.memory().numTensors, before);
      const { workers, requeued, duplicates } = pool.takeReport();
      assert.deepEqual([requeued, duplicates], [0, 0]);
      assert.equal(
        workers.reduce((sum, { parts }) => sum + parts, 0),
        3,
      );
      await pool.close();
    }
  });

  it('trains as this process does, all weights and adapters', async () => {
    for (const lora of [null, { rank: 2, alpha: 3, targetModules: ['to_q'] }]) {
      const here = await trainFlowGRPO(pipeline, { ...SMALL, lora });
      pipeline.dispose();
      pipeline = await loadPipeline(MODEL, CONFIG);
      open(2);
      const { log } = await trainFlowGRPO(pipeline, { ...SMALL, lora, rolloutWorkers: pool });
      assert.deepEqual(numbers(log), numbers(here.log));
      assert.deepEqual(
        log.map(({ staleness }) => staleness),
        [0, 0, 0],
      );
      await pool.close();
      pipeline.dispose();
      pipeline = await loadPipeline(MODEL, CONFIG);
    }
  });

  it("rolls out by the objective's own policy", async () => {
    const { prompts, reward, promptsPerStep, groupSize, steps, microBatchSize } = SMALL;
    const options = { prompts, reward, promptsPerStep, groupSize, steps, microBatchSize };
    const small = { ...options, compile: false, learningRate: 1e-2, lora: { rank: 2 } };
    const load = () => loadPipeline(MODEL, { ...CONFIG, algorithm: 'diffusion_nft' });
    const other = await load();
    const here = await trainDiffusionNFT(other, small);
    other.dispose();
    const again = await load();
    events = [];
    pool = new WorkerPool(new LocalWorkers({ count: 1 }), {
      path: MODEL,
      config: { ...CONFIG, algorithm: 'diffusion_nft' },
    });
    const { log } = await trainDiffusionNFT(again, { ...small, rolloutWorkers: pool });
    again.dispose();
    assert.deepEqual(numbers(log), numbers(here.log));
  });

  it('rolls out ahead with weights as old as maxStaleness says, the same in every run', async () => {
    const options = {
      ...SMALL,
      steps: 4,
      maxStaleness: 1,
      rolloutCorrection: { bypass_mode: false },
    };
    const logs: LogLine[][] = [];
    for (const count of [1, 2]) {
      open(count);
      const again = await loadPipeline(MODEL, CONFIG);
      const { log } = await trainFlowGRPO(again, { ...options, rolloutWorkers: pool });
      again.dispose();
      await pool.close();
      logs.push(log);
    }
    assert.deepEqual(
      logs[0].map(({ staleness }) => staleness),
      [0, 1, 1, 1],
    );
    assert.deepEqual(numbers(logs[1]), numbers(logs[0]));
    const fresh = await trainFlowGRPO(pipeline, {
      ...SMALL,
      steps: 2,
      rolloutCorrection: { bypass_mode: false },
    });
    assert.equal(fresh.log[0].reward, logs[0][0].reward);
    assert.notEqual(fresh.log[1].reward, logs[0][1].reward);
  });

  it('hands a lost worker’s part to another, and the run keeps its bits', async () => {
    const { log: expected } = await trainFlowGRPO(pipeline, SMALL);
    pipeline.dispose();
    pipeline = await loadPipeline(MODEL, CONFIG);
    open(2);
    let kills = 0;
    const reports: StepReport[] = [];
    const killer = setInterval(() => {
      const busy = source.links[0];
      if (pool.size === 2 && kills < 2 && busy?.processId !== undefined) {
        process.kill(busy.processId, 'SIGKILL');
        kills += 1;
      }
    }, 50);
    try {
      const { log } = await trainFlowGRPO(pipeline, {
        ...SMALL,
        rolloutWorkers: pool,
        onStep: (report) => void reports.push(report),
      });
      assert.deepEqual(numbers(log), numbers(expected));
    } finally {
      clearInterval(killer);
    }
    assert.ok(kills > 0);
    for (const { workers } of reports) {
      assert.equal(
        workers?.workers.reduce((sum, { parts }) => sum + parts, 0),
        4,
      );
    }
    assert.ok(events.some(({ kind }) => kind === 'left'));
  });

  it('takes a worker that joins while it rolls out', async () => {
    open(1);
    await pool.publish(1, pipeline.transformer);
    await until(() => pool.size === 1);
    source.add();
    await until(() => pool.size === 2);
    const batch = await rolloutGroups(pipeline, [{ prompt: 'a red fox' }], {
      key: RandomKey.fromSeed(1),
      groupSize: 6,
      microBatchSize: 1,
      elsewhere: { workers: pool, version: 1 },
    });
    batch.dispose();
    const { workers } = pool.takeReport();
    assert.equal(workers.length, 2);
    assert.ok(workers.every(({ parts, busySeconds }) => parts > 0 && busySeconds > 0));
  });

  it('drops the second answer to a part that was handed out again as it was late', async () => {
    open(2, { lateAfterSeconds: 0 });
    await pool.publish(1, pipeline.transformer);
    await until(() => pool.size === 2);
    const options = {
      key: RandomKey.fromSeed(1),
      groupSize: 1,
      elsewhere: { workers: pool, version: 1 },
    };
    const batch = await rolloutGroups(pipeline, [{ prompt: 'a red fox' }], options);
    batch.dispose();
    await until(() => events.some(({ kind }) => kind === 'duplicate'));
    const { workers, requeued, duplicates } = pool.takeReport();
    assert.deepEqual([requeued, duplicates], [1, 1]);
    assert.equal(
      workers.reduce((sum, { parts }) => sum + parts, 0),
      1,
    );
  });

  it('stops waiting when the signal is aborted', async () => {
    open(1);
    const controller = new AbortController();
    await pool.publish(1, pipeline.transformer);
    const rollout = rolloutGroups(pipeline, [{ prompt: 'a red fox' }], {
      key: RandomKey.fromSeed(1),
      groupSize: 2,
      elsewhere: { workers: pool, version: 1 },
      signal: controller.signal,
    });
    controller.abort(new Error('enough'));
    await assert.rejects(rollout, { message: 'enough' });
  });

  it('says why no worker can load the model, and that weights must be published', async () => {
    open(0);
    const options = { key: RandomKey.fromSeed(1), groupSize: 2 };
    await assert.rejects(
      rolloutGroups(pipeline, [{ prompt: 'a' }], {
        ...options,
        elsewhere: { workers: pool, version: 7 },
      }),
      {
        message:
          'Cannot roll out as the weights of a version must be published first: current value is 7, published are none',
      },
    );
    await pool.close();
    pool = new WorkerPool(new LocalWorkers({ count: 1 }), { path: '/no/such/model' });
    await pool.publish(1, pipeline.transformer);
    await assert.rejects(
      rolloutGroups(pipeline, [{ prompt: 'a' }], {
        ...options,
        elsewhere: { workers: pool, version: 1 },
      }),
      /^Error: Cannot roll out as a worker must be able to load the model: .*\/no\/such\/model/,
    );
  });

  it('refuses settings that do not go together', async () => {
    open(0);
    const train = (options: Partial<FlowGRPOOptions>) =>
      trainFlowGRPO(pipeline, { ...SMALL, ...options });
    const start = 'Cannot roll out over workers as ';
    await assert.rejects(train({ maxStaleness: 1 }), {
      message: `${start}maxStaleness above 0 needs rolloutWorkers: current value is 1`,
    });
    await assert.rejects(train({ rolloutWorkers: pool, microBatchSize: 'auto' }), {
      message: `${start}microBatchSize must be a number, the same on each machine: current value is 'auto'`,
    });
    await assert.rejects(train({ rolloutWorkers: pool, maxStaleness: 2, promptPriority: {} }), {
      message: `${start}maxStaleness must be 0 with promptPriority, which draws by the step before: current value is 2`,
    });
    await assert.rejects(train({ rolloutWorkers: pool, maxStaleness: 2 }), {
      message: `${start}maxStaleness must be 0 unless old log-probabilities are recomputed (rolloutCorrection: { bypass_mode: false }) or onMismatch is 'report': current value is 2`,
    });
  });
});
