import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RayWorkers } from '@flowbook/kernel-extensions';
import {
  RandomKey,
  WorkerPool,
  loadPipeline,
  rolloutGroups,
  tf,
  trainFlowGRPO,
  type LogLine,
  type PoolEvent,
  type RolloutBatch,
  type RolloutPipeline,
  type WorkerLink,
} from '@flowbook/sdk';
import { isLong } from '../long-run';
import { CONFIG, MODEL, SMALL as SMALL_RUN } from '../sdk/rollout-workers/small-rollouts';
import { pause, sharedCluster, type RayCluster } from './ray-cluster';

const SMALL = { ...SMALL_RUN, steps: 2, lora: { rank: 2 } };

/** One hash a picture: of its bytes and its whole trajectory. */
function hashes(batch: RolloutBatch): string[] {
  const tensors = Object.values(batch.tensors).filter((one) => one instanceof tf.Tensor);
  const rows = tensors.map((tensor) => ({
    width: tensor.size / batch.size,
    data: tensor.dataSync(),
  }));
  return batch.images.map(({ data }, at) => {
    const hash = createHash('sha256').update(data);
    for (const row of rows) {
      hash.update(row.data.slice(at * row.width, (at + 1) * row.width) as Uint8Array);
    }
    return hash.digest('hex');
  });
}

function numbers(log: readonly LogLine[]): Record<string, number>[] {
  const others = /[sS]econds$|^workers|^requeued|^duplicates|^staleness/;
  return log.map((line) =>
    Object.fromEntries(Object.entries(line).filter(([name]) => !others.test(name))),
  );
}

describe('RayWorkers @ray', function () {
  this.timeout(300_000);
  let cluster: RayCluster;
  let pipeline: RolloutPipeline;
  let workers: RayWorkers;
  let pool: WorkerPool;
  const opened: WorkerPool[] = [];
  let events: PoolEvent[];

  function open(count: number): void {
    events = [];
    const { address, tokenFile } = cluster;
    workers = new RayWorkers({ address, tokenFile, count, threads: 1 });
    pool = new WorkerPool(
      workers,
      { path: MODEL, config: CONFIG },
      { onEvent: (event) => void events.push(event) },
    );
    opened.push(pool);
  }

  async function untilSize(size: number): Promise<void> {
    const until = Date.now() + 120_000;
    while (pool.size !== size) {
      assert.ok(Date.now() < until, `${pool.size} workers, not ${size}: ${JSON.stringify(events)}`);
      await pause(50);
    }
  }

  /** So many pictures, one a part, here or over the workers. */
  async function rollOut(round: number, count: number, version: number | null): Promise<string[]> {
    const batch = await rolloutGroups(pipeline, [{ prompt: `round ${round}` }], {
      key: RandomKey.fromSeed(round),
      groupSize: count,
      microBatchSize: 1,
      numInferenceSteps: 10,
      elsewhere: version === null ? null : { workers: pool, version },
    });
    const found = hashes(batch);
    batch.dispose();
    return found;
  }

  /** Changes the weights, so that every version gives other pictures. */
  function move(version: number): void {
    for (const [name, variable] of pipeline.transformer.trainableVariables()) {
      if (name.includes('lora_B')) variable.assign(tf.fill(variable.shape, version / 50));
    }
  }

  before(async () => {
    cluster = await sharedCluster();
  });

  beforeEach(async () => {
    pipeline = await loadPipeline(MODEL, CONFIG);
  });

  afterEach(async () => {
    await Promise.all(opened.splice(0).map((one) => one.close()));
    pipeline.dispose();
  });

  it('makes every bit that this process makes, with one worker', async () => {
    const expected = await rollOut(1, 8, null);
    open(1);
    await pool.publish(1, pipeline.transformer);
    await untilSize(1);
    assert.deepEqual(await rollOut(1, 8, 1), expected);
  });

  it('makes every bit that this process makes with three on two nodes, and reports what each of them did', async () => {
    const expected = await rollOut(1, 12, null);
    open(3);
    await pool.publish(1, pipeline.transformer);
    await untilSize(3);
    assert.deepEqual(await rollOut(1, 12, 1), expected);
    assert.equal(new Set(workers.places.map(({ node }) => node)).size, 2);
    const { workers: each, requeued, duplicates } = pool.takeReport();
    assert.deepEqual(
      each.map(({ worker }) => worker.replace(/^[\d.]+/, '')),
      ['-1', '-2', '-3'],
    );
    assert.equal(
      each.reduce((sum, { parts }) => sum + parts, 0),
      12,
    );
    assert.deepEqual([requeued, duplicates], [0, 0]);
    for (const { busySeconds, bytesIn, bytesOut } of each) {
      assert.ok(busySeconds > 0 && bytesIn > 0 && bytesOut > 0);
    }
  });

  it('trains adapters as this process does', async () => {
    const here = await trainFlowGRPO(pipeline, SMALL);
    pipeline.dispose();
    pipeline = await loadPipeline(MODEL, CONFIG);
    open(2);
    const { log } = await trainFlowGRPO(pipeline, { ...SMALL, rolloutWorkers: pool });
    assert.deepEqual(numbers(log), numbers(here.log));
  });

  it('rolls out ahead with weights one step old', async () => {
    open(2);
    const { log } = await trainFlowGRPO(pipeline, {
      ...SMALL,
      steps: 3,
      maxStaleness: 1,
      rolloutCorrection: { bypass_mode: false },
      rolloutWorkers: pool,
    });
    assert.deepEqual(
      log.map(({ staleness }) => staleness),
      [0, 1, 1],
    );
  });

  for (const whose of ['childProcess', 'actorProcess'] as const) {
    it(`goes on when a worker's ${whose === 'childProcess' ? 'Node process' : 'actor'} is killed`, async () => {
      const expected = await rollOut(2, 12, null);
      open(2);
      await pool.publish(1, pipeline.transformer);
      await untilSize(2);
      const rollout = rollOut(2, 12, 1);
      await pause(60);
      process.kill(workers.places[0][whose], 'SIGKILL');
      assert.deepEqual(await rollout, expected);
      await untilSize(2);
      assert.equal(events.filter(({ kind }) => kind === 'left').length, 1);
      assert.equal(events.filter(({ kind }) => kind === 'joined').length, 3);
    });
  }

  it('ends a process that hangs, and starts another one in its place', async () => {
    const { address, tokenFile } = cluster;
    // It does not heed that its input ends, either.
    const command = [process.execPath, '-e', 'setInterval(() => {}, 1000)'] as const;
    const hanging = new RayWorkers({ address, tokenFile, command });
    const joined: WorkerLink[] = [];
    const left: string[] = [];
    await hanging.open({
      joined: (link) => void joined.push(link),
      left: ({ name }) => void left.push(name),
      ended: assert.fail,
    });
    try {
      while (joined.length < 1) await pause(20);
      const [{ childProcess }] = hanging.places;
      const call = joined[0].call({ header: { op: 'hello' }, payload: new Uint8Array(0) }, null);
      joined[0].close();
      await assert.rejects(call, { name: 'WorkerLost' });
      while (joined.length < 2) await pause(20);
      assert.deepEqual(left, [joined[0].name]);
      assert.throws(() => process.kill(childProcess, 0), { code: 'ESRCH' });
    } finally {
      await hanging.close();
    }
  });

  it('takes a worker on a machine that joins, and goes on when the machine leaves for good', async () => {
    open(5);
    await pool.publish(1, pipeline.transformer);
    await untilSize(4);
    const node = await cluster.addNode(1);
    await untilSize(5);
    const expected = await rollOut(3, 20, null);
    const rollout = rollOut(3, 20, 1);
    await pause(100);
    node.kill();
    assert.deepEqual(await rollout, expected);
    await untilSize(4);
    while ((await cluster.aliveNodes()) > 2) await pause(200);
  });

  it(`makes ${isLong ? 120 : 48} of ${isLong ? 120 : 48} rollouts, each once and with its own weights, while a process, an actor and a node are killed`, async () => {
    const perRound = isLong ? 10 : 4;
    pipeline.transformer.addLora({ rank: 2, key: RandomKey.fromSeed(1) });
    const doomed = await cluster.addNode(1);
    open(5);
    await pool.publish(0, pipeline.transformer);
    await untilSize(5);
    const kills: Record<number, () => void> = {
      2: () => process.kill(workers.places[0].childProcess, 'SIGKILL'),
      5: () => process.kill(workers.places[1].actorProcess, 'SIGKILL'),
      8: () => doomed.kill(),
    };
    const all: string[] = [];
    for (let round = 1; round <= 12; round += 1) {
      move(round);
      const expected = await rollOut(round, perRound, null);
      await pool.publish(round, pipeline.transformer);
      const rollout = rollOut(round, perRound, round);
      await pause(40);
      kills[round]?.();
      const found = await rollout;
      assert.deepEqual(found, expected, `round ${round}`);
      all.push(...found);
    }
    assert.equal(new Set(all).size, 12 * perRound);
    const { workers: each } = pool.takeReport();
    assert.equal(
      each.reduce((sum, { parts }) => sum + parts, 0),
      12 * perRound,
    );
    await untilSize(4);
    while ((await cluster.aliveNodes()) > 2) await pause(200);
  });

  it('refuses a cluster without its token, and one that is not there', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'flowbook-ray-'));
    const tokenFile = join(folder, 'token');
    writeFileSync(tokenFile, 'a'.repeat(64));
    const { address } = cluster;
    open(1);
    const wrong = new WorkerPool(new RayWorkers({ address, tokenFile }), { path: MODEL });
    await assert.rejects(
      wrong.open(),
      /^Error: Cannot reach the Ray cluster at 127\.0\.0\.1:\d+ as it must answer: /,
    );
    const none = new RayWorkers({ address, tokenFile: join(folder, 'none') });
    await assert.rejects(new WorkerPool(none, { path: MODEL }).open(), {
      message: `Cannot reach a Ray cluster as tokenFile or RAY_AUTH_TOKEN_PATH must name the file of its token: current value is ${join(folder, 'none')}`,
    });
    rmSync(folder, { recursive: true });
  });
});
