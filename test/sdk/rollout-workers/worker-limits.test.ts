import assert from 'node:assert/strict';
import { LocalWorkers, WorkerPool, type PoolEvent, type WorkerPoolOptions } from '@flowbook/sdk';
import { textOnStderr } from '../io/hub/text-on-stderr';
import { EMPTY, HeldWorkers, partAt, turns, type HeldWorker } from './held-workers';

describe('limits of WorkerPool', () => {
  let source: HeldWorkers;
  let pool: WorkerPool;
  let events: string[];

  const open = async (options: WorkerPoolOptions, workers = new HeldWorkers()) => {
    events = [];
    source = workers;
    const onEvent = ({ kind, worker, detail }: PoolEvent) =>
      void events.push(`${worker} ${kind}${detail && `: ${detail}`}`);
    pool = new WorkerPool(source, { path: 'none' }, { onEvent, ...options });
    await pool.publish(1, EMPTY);
    await turns();
  };
  const named = (name: string) =>
    source.links.find((one) => one.name === name && !one.isClosed) as HeldWorker;
  const until = async (condition: () => boolean) => {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 2));
  };

  afterEach(() => pool.close());

  it('ends a worker that neither answers nor dies, and its part is made once by another', async () => {
    await open({ timeoutSeconds: 0.05 });
    source.holds = (name) => name === 'first';
    const [stuck] = source.links;
    await Promise.all([0, 1].map((at) => pool.rollOut(partAt(at), 1, null)));
    assert.ok(stuck.isClosed);
    // What was given up answers after all: nobody takes it.
    stuck.asked.shift()?.();
    await turns();
    assert.equal(pool.size, 2);
    assert.deepEqual(events.slice(2), [
      'first left: it took longer than 0.05 s',
      'first requeued: part 0: Cannot wait for worker first as it must roll out part 0 within 0.05 s',
      'first, again joined',
    ]);
    const { workers, requeued, duplicates } = pool.takeReport();
    assert.deepEqual([requeued, duplicates], [1, 0]);
    assert.deepEqual(
      workers.map(({ worker, parts: made }) => [worker, made]),
      [
        ['first, again', 0],
        ['second', 2],
      ],
    );
  });

  it('fails a part that three workers were late on, and makes the next one', async () => {
    await open({ timeoutSeconds: 0.02 });
    await assert.rejects(pool.rollOut(partAt(0), 1, null), {
      message:
        /^Cannot wait for worker \S.* as it must roll out part 0 within 0\.02 s \(3 tries\)$/,
    });
    source.holds = () => false;
    await pool.rollOut(partAt(1), 1, null);
    assert.equal(source.links.length, 5);
  });

  it('does not hand out a third time what another worker has when a late one is lost', async () => {
    await open({ lateAfterSeconds: 0.01 });
    const part = pool.rollOut(partAt(0), 1, null);
    await until(() => named('second').asked.length > 0);
    const { now } = performance;
    // From here on nothing is late.
    performance.now = () => 0;
    try {
      named('first').close();
      await turns();
      assert.equal(named('first, again').asked.length, 0);
      named('second').asked.shift()?.();
      await part;
    } finally {
      performance.now = now;
    }
    assert.equal(pool.takeReport().requeued, 1);
  });

  it('replaces a worker that never has its model', async () => {
    await open({ timeoutSeconds: 0.03 }, new HeldWorkers(false));
    await until(() => pool.size === 2);
    assert.ok(
      events.includes(
        'first refused: Cannot wait for worker first as it must load the model within 0.03 s',
      ),
    );
  });

  it('ends processes that hang', async () => {
    const command = [process.execPath, '-e', 'setInterval(() => {}, 1000)'] as const;
    const local = new LocalWorkers({ command });
    pool = new WorkerPool(local, { path: 'none' }, { timeoutSeconds: 0.1 });
    await pool.publish(1, EMPTY);
    const [{ processId }] = local.links;
    await assert.rejects(pool.rollOut(partAt(0), 1, null), {
      message:
        'Cannot roll out as a worker must be able to load the model: Cannot wait for worker local-1 as it must load the model within 0.1 s',
    });
    assert.throws(() => process.kill(processId as number, 0), { code: 'ESRCH' });
  });

  it('goes on when what watches it fails, and says so once', async () => {
    const said = await textOnStderr(async () => {
      await open({
        onEvent: () => {
          throw new Error('no screen');
        },
      });
      const part = pool.rollOut(partAt(0), 1, null);
      await turns();
      named('first').asked.shift()?.();
      await part;
    });
    assert.equal(said, 'onEvent of a pool of workers failed, and the rollout goes on: no screen\n');
  });

  it('refuses a time that timers do not keep', async () => {
    await open({});
    for (const timeoutSeconds of [0, -1, NaN, 3e6]) {
      assert.throws(() => new WorkerPool(source, { path: 'none' }, { timeoutSeconds }), {
        message: `Cannot roll out over workers as timeoutSeconds must be from 0.001 to 2147483: current value is ${timeoutSeconds}`,
      });
    }
  });
});
