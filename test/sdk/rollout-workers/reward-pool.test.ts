import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  LocalWorkers,
  PartialRewardFailure,
  RewardPool,
  pixelImage,
  scoreRewards,
} from '@flowbook/sdk';

describe('RewardPool', function () {
  this.timeout(120_000);
  let folder: string;
  let pool: RewardPool;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'flowbook-pool-'));
    pool = new RewardPool(new LocalWorkers({ count: 2 }), {
      reward: 'level-and-process',
      modules: [join(__dirname, 'own-reward.cjs')],
      picturesPerPart: 2,
    });
  });

  after(async () => {
    await pool.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const rate = (levels: number[]) =>
    pool.reward(
      levels.map((level) => pixelImage(1, 1, [level, 0, 0])),
      levels.map((level) => ({ prompt: `${level}`, died: join(folder, 'died') })),
      { signal: null },
    );

  it('rates over workers in order, also when one is lost on the way, and counts', async () => {
    assert.deepEqual(await rate([1, 2, 3, 4, 5]), [1, 2, 3, 4, 5]);
    assert.deepEqual(await rate([10, 11, 12, 13, 14]), [10, 11, 12, 13, 14]);
    const metrics = pool.reward.takeMetrics?.() ?? {};
    const of = (name: string) =>
      Object.entries(metrics).flatMap(([key, value]) => (key.endsWith(`/${name}`) ? [value] : []));
    assert.equal(
      of('parts').reduce((sum, parts) => sum + parts, 0),
      6,
    );
    assert.ok(of('bytesIn').every((bytes) => bytes > 0));
    assert.equal(pool.reward.name, 'level-and-process');
  });

  it('fails on the parts alone that the reward failed on', async () => {
    await assert.rejects(rate([1, 2, 99, 3, 4]), (error: PartialRewardFailure) => {
      assert.equal(error.message, '1 of 3 requests failed: 99 is too much');
      assert.deepEqual(error.values, [1, 2, NaN, NaN, 4]);
      return true;
    });
  });

  it('says that no worker knows a reward', async () => {
    const other = new RewardPool(new LocalWorkers({ count: 1 }), { reward: 'none such' });
    try {
      await assert.rejects(
        scoreRewards(other.reward, [pixelImage(1, 1, [0, 0, 0])], [{ prompt: 'a' }]),
        /^Error: Cannot score reward "none such" as it failed: Cannot find reward "none such": registered are shapes, /,
      );
    } finally {
      await other.close();
    }
    await assert.rejects(
      other.reward([pixelImage(1, 1, [0, 0, 0])], [{ prompt: 'a' }], { signal: null }),
      {
        message: 'Cannot go on with ratings as their workers were closed',
      },
    );
    assert.throws(() => new RewardPool(new LocalWorkers(), { reward: 'x', picturesPerPart: 0 }), {
      message:
        'Cannot rate over workers as picturesPerPart must be a whole number from 1: current value is 0',
    });
  });
});
