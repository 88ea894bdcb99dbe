import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RayWorkers } from '@flowbook/kernel-extensions';
import { RewardPool, getReward, pixelImage, type PixelImage } from '@flowbook/sdk';
import { pause, sharedCluster } from './ray-cluster';

/** Pictures that differ in every rating of theirs. */
const pictures = (from: number, count: number): PixelImage[] =>
  Array.from({ length: count }, (_, at) =>
    pixelImage(
      8,
      8,
      Array.from({ length: 192 }, (_, place) => (place * (from + at + 3)) % 256),
    ),
  );

describe('RewardPool over RayWorkers @ray', function () {
  this.timeout(300_000);

  it('rates every picture once, as this process does, when one of two workers is lost for good', async () => {
    const cluster = await sharedCluster();
    const folder = mkdtempSync(join(tmpdir(), 'flowbook-judges-'));
    const { address, tokenFile } = cluster;
    // Machines of their own: of two with room for a judge each, one can be taken away.
    const stays = await cluster.addNode(1, { judge: 1 });
    const doomed = await cluster.addNode(1, { judge: 1 });
    const workers = new RayWorkers({ address, tokenFile, count: 2, resources: { judge: 1 } });
    const pool = new RewardPool(workers, {
      reward: 'aesthetic-once',
      modules: [join(__dirname, 'logged-reward.cjs')],
      picturesPerPart: 2,
    });
    const log = join(folder, 'log');
    const rated = () => readFileSync(log, 'utf8').trim().split('\n');
    const rate = (from: number, count: number, stuck: number | null) =>
      pool.reward(
        pictures(from, count),
        Array.from({ length: count }, (_, at) => ({ prompt: `${from + at}`, log, stuck })),
        { signal: null },
      );
    const expected = (from: number, count: number) =>
      getReward('aesthetic')(
        pictures(from, count),
        Array.from({ length: count }, () => ({ prompt: '' })),
        { signal: null },
      );
    try {
      await pool.open();
      while (workers.places.length < 2) await pause(50);
      assert.deepEqual(await rate(0, 8, null), await expected(0, 8));
      const [first] = workers.places;
      const rating = rate(8, 12, first.childProcess);
      while (!existsSync(`${log}.stuck`)) await pause(20);
      // Whichever of the machines it is on.
      const node = [stays, doomed].find((one) => one.processes().includes(first.actorProcess));
      node?.kill();
      assert.deepEqual(await rating, await expected(8, 12));
      const numbers = Array.from({ length: 20 }, (_, at) => `${at}`);
      assert.deepEqual(rated().sort(), numbers.sort());
      const { requeued, workers: each } = pool.takeReport();
      assert.equal(requeued, 1);
      assert.equal(
        each.reduce((sum, { parts }) => sum + parts, 0),
        10,
      );
      assert.equal(workers.places.length, 1);
    } finally {
      await pool.close();
      [stays, doomed].forEach((node) => node.kill());
      rmSync(folder, { recursive: true, force: true });
    }
    while ((await cluster.aliveNodes()) > 2) await pause(200);
  });
});
