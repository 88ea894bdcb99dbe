import assert from 'node:assert/strict';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { HttpError, RandomKey } from '@flowbook/sdk';
import { RequestQueue } from '../../../sdk/src/io/request-queue';

/** A server that does what it is told to. */
interface Held {
  name: string;
  loads: string[];
  works: string[];
}

describe('RequestQueue', () => {
  const made = (name: string): Held => ({ name, loads: [], works: [] });
  /** Requests under way, which end when they are told to. */
  let ends: { server: Held; end(error?: Error): void }[];
  let queue: RequestQueue<Held>;
  let requeued = 0;

  const open = (servers: Held[], options: { requestsInFlight?: number; retries?: number } = {}) => {
    ends = [];
    requeued = 0;
    queue = new RequestQueue<Held>(
      servers,
      async (server, weights) => {
        server.loads.push(weights);
        await setImmediate();
      },
      {
        requestsInFlight: 2,
        retries: 3,
        backoffMs: 1,
        key: RandomKey.fromSeed(1),
        closed: 'Cannot go on as servers were closed',
        onRequeued: () => (requeued += 1),
        ...options,
      },
    );
  };
  const ask = (weights: string, what = '', signal: AbortSignal | null = null) =>
    queue.run(
      weights,
      (server) => {
        server.works.push(what);
        return new Promise<string>((resolve, reject) => {
          const end = (error?: Error) => (error ? reject(error) : resolve(server.name));
          ends.push({ server, end });
        });
      },
      signal,
    );
  const turns = async () => {
    for (let turn = 0; turn < 10; turn++) await setImmediate();
  };
  const passing = () => new HttpError('broken off', true);

  it('gives a server as many requests as it may have, in their order, after loading once', async () => {
    const servers = [made('a'), made('b')];
    open(servers);
    const asked = ['1', '2', '3', '4', '5', '6'].map((what) => ask('w1', what));
    await turns();
    assert.deepEqual(
      servers.map(({ works }) => works.length),
      [2, 2],
    );
    assert.deepEqual(
      servers.map(({ loads }) => loads),
      [['w1'], ['w1']],
    );
    assert.deepEqual(servers.flatMap(({ works }) => works).sort(), ['1', '2', '3', '4']);
    for (let done = 0; done < 6; done++) {
      ends.shift()?.end();
      await turns();
    }
    assert.equal((await Promise.all(asked)).length, 6);
    assert.equal(requeued, 0);
  });

  it('loads other weights when a server has finished what it has', async () => {
    const server = made('a');
    open([server]);
    const asked = [ask('w1', '1'), ask('w1', '2'), ask('w2', '3'), ask('w2', '4')];
    await turns();
    ends.shift()?.end();
    await turns();
    assert.deepEqual([server.loads, server.works], [['w1'], ['1', '2']]);
    ends.shift()?.end();
    await turns();
    assert.deepEqual(
      [server.loads, server.works],
      [
        ['w1', 'w2'],
        ['1', '2', '3', '4'],
      ],
    );
    ends.splice(0).forEach(({ end }) => end());
    await Promise.all(asked);
  });

  it('gives what failed in passing to another server, and the first one its weights anew', async () => {
    const servers = [made('a'), made('b')];
    open(servers, { requestsInFlight: 1 });
    const first = ask('w1', '1');
    await turns();
    assert.equal(ends[0].server.name, 'a');
    ends.shift()?.end(passing());
    await turns();
    assert.equal(ends[0].server.name, 'b');
    ends.shift()?.end();
    assert.equal(await first, 'b');
    assert.equal(requeued, 1);
    await sleep(10);
    const more = [ask('w1', '2'), ask('w1', '3')];
    await turns();
    ends.splice(0).forEach(({ end }) => end());
    await Promise.all(more);
    assert.deepEqual(servers[0].loads, ['w1', 'w1']);
  });

  it('gives up after as many tries as it may make, and at once on what does not pass', async () => {
    open([made('a')], { retries: 2 });
    const failing = ask('w1');
    for (let tries = 0; tries < 3; tries++) {
      while (ends.length === 0) await sleep(1);
      ends.shift()?.end(passing());
    }
    await assert.rejects(failing, ({ message, cause }: Error) => {
      assert.equal(message, 'broken off (3 tries)');
      assert.equal((cause as Error).message, 'broken off');
      return true;
    });
    const refused = ask('w1');
    while (ends.length === 0) await sleep(1);
    ends.shift()?.end(new Error('no such prompt'));
    await assert.rejects(refused, { message: 'no such prompt' });
  });

  it('gives nobody what fails in passing once nobody waits for it', async () => {
    const server = made('a');
    open([server], { requestsInFlight: 1 });
    const controller = new AbortController();
    const asked = ask('w1', 'left', controller.signal);
    await turns();
    controller.abort(new Error('enough'));
    await assert.rejects(asked, { message: 'enough' });
    ends.shift()?.end(passing());
    await sleep(10);
    assert.deepEqual([server.works, requeued], [['left'], 0]);
    queue.close();
  });

  it('stops on its signal, and when it is closed', async () => {
    const server = made('a');
    open([server], { requestsInFlight: 1 });
    const controller = new AbortController();
    const asked = [ask('w1', '1', controller.signal), ask('w1', '2', controller.signal)];
    const others = [ask('w1', '3')];
    await turns();
    controller.abort(new Error('enough'));
    for (const one of asked) await assert.rejects(one, { message: 'enough' });
    ends.shift()?.end();
    await turns();
    assert.deepEqual(server.works, ['1', '3']);
    queue.close();
    for (const one of [...others, ask('w1')]) {
      await assert.rejects(one, {
        message: 'Cannot go on as servers were closed',
      });
    }
  });
});
