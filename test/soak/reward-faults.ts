import assert from 'node:assert/strict';
import { fork, type ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RandomKey } from '@flowbook/sdk';
import { httpReward, pixelImage } from '@flowbook/sdk';
import { RunLock } from '../../sdk/src/training/run/run-lock';
import { RewardServer } from '../sdk/rewards/http/reward-server';
import { draw, requireEqual, trainHere, undisturbed } from './trial';

const PATIENT = { retries: 30, backoffMs: 20, timeoutMs: 3_000 };

async function withServer(work: (server: RewardServer) => Promise<void>): Promise<void> {
  const server = await RewardServer.start();
  try {
    await work(server);
  } finally {
    await server.stop();
  }
}

/** A reward server that refuses, hangs up, answers by half and late: with tries again, nothing changes. */
export async function reward(key: RandomKey, folder: string): Promise<void> {
  const expected = await undisturbed('reward', async () => {
    let result: object = {};
    await withServer(async ({ url }) => {
      result = await trainHere({ reward: { url, ...PATIENT } });
    });
    return result;
  });
  await withServer(async (server) => {
    const { answer } = server;
    server.answer = async (asked, response, tries) => {
      const what = draw(key, `answer ${tries}`, 0, 6);
      if (what === 0) return server.sendJson(response, '{"error":"busy"}', 503);
      if (what === 1) return void response.destroy();
      if (what === 2) {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': 1000 });
        response.write('{"scores": [0.');
        return void setTimeout(() => response.destroy(), 20);
      }
      if (what === 3) await sleep(draw(key, `late ${tries}`, 0, 300));
      return answer(asked, response, tries);
    };
    const { url } = server;
    const options = { reward: { url, ...PATIENT }, runDirectory: join(folder, 'run') };
    requireEqual(await trainHere(options), expected);
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function startWorker(port: number): ChildProcess {
  return fork(join(__dirname, 'server-child.ts'), [String(port)], {
    execArgv: ['--require', 'tsx/cjs'],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
}

/** A process that rates pictures is killed at random moments and started again: no rating is lost. */
export async function workerLoss(key: RandomKey, folder: string): Promise<void> {
  const port = await freePort();
  const settings = { url: `http://127.0.0.1:${port}/score`, ...PATIENT, backoffMs: 100 };
  let worker = startWorker(port);
  let isOver = false;
  const losses = async () => {
    for (let loss = 0; !isOver; loss++) {
      await sleep(draw(key, `after ${loss}`, 300, 1_500));
      worker.kill('SIGKILL');
      worker = startWorker(port);
    }
  };
  try {
    const expected = await undisturbed('worker-loss', () => trainHere({ reward: settings }));
    const lost = losses();
    requireEqual(
      await trainHere({ reward: settings, runDirectory: join(folder, 'run') }),
      expected,
    );
    isOver = true;
    await lost;
  } finally {
    isOver = true;
    worker.kill('SIGKILL');
  }
}

/** Far more pictures at once than a server takes, and eight trainers for one folder: all are rated, one trains. */
export async function burst(key: RandomKey, folder: string): Promise<void> {
  await withServer(async (server) => {
    const { answer } = server;
    let open = 0;
    server.answer = async (asked, response, tries) => {
      if (open >= 4) return server.sendJson(response, '{"error":"too many"}', 429);
      open += 1;
      await sleep(draw(key, `work ${tries}`, 0, 10));
      open -= 1;
      return answer(asked, response, tries);
    };
    const levels = Array.from({ length: 150 }, (_, at) => draw(key, `level ${at}`, 0, 256));
    const images = levels.map((level) => pixelImage(2, 2, Array(4).fill([level, 0, 0]).flat()));
    const rate = httpReward({
      url: server.url,
      ...PATIENT,
      picturesPerRequest: 1,
      requestsInFlight: 32,
    });
    const rated = await rate(
      images,
      images.map(() => ({ prompt: 'a' })),
      { signal: null },
    );
    assert.deepEqual(
      rated,
      levels.map((level) => level / 255),
    );
  });
  const takers = Array.from({ length: 8 }, () => RunLock.take(folder));
  const taken = (await Promise.allSettled(takers)).flatMap((one) =>
    one.status === 'fulfilled' ? [one.value] : [],
  );
  assert.equal(taken.length, 1);
  taken[0].release();
}
