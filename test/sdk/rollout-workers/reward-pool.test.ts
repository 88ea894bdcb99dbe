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

  const rateBy = (by: RewardPool, levels: number[]) =>
    by.reward(
      levels.map((level) => pixelImage(1, 1, [level, 0, 0])),
      levels.map((level) => ({ prompt: `${level}`, died: join(folder, 'died') })),
      { signal: null },
    );
  const rate = (levels: number[]) => rateBy(pool, levels);

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
    // A process of Node.js takes some tens of megabytes.
    assert.ok(Math.max(...of('residentBytes')) > 20e6, `${of('residentBytes')}`);
    assert.equal(pool.reward.name, 'level-and-process');
  });

  it('fails on the parts alone that the reward failed on', async () => {
    await assert.rejects(rate([1, 2, 99, 3, 4]), (error: PartialRewardFailure) => {
      assert.equal(error.message, '1 of 3 requests failed: 99 is too much');
      assert.deepEqual(error.values, [1, 2, NaN, NaN, 4]);
      return true;
    });
  });

  it('ends workers in an endless loop, and fails after three of them', async () => {
    const source = new LocalWorkers({ command: [process.execPath, '-e', 'for (;;);'] });
    const looping = new RewardPool(source, { reward: 'none', timeoutMs: 300 });
    const processes = new Set<number | undefined>();
    const look = setInterval(
      () => source.links.forEach(({ processId }) => processes.add(processId)),
      20,
    );
    try {
      await assert.rejects(rateBy(looping, [1, 2]), {
        message:
          'Cannot wait for worker local-1 as it must rate 2 pictures, the first of "1", within 0.3 s (3 tries)',
      });
    } finally {
      clearInterval(look);
      await looping.close();
    }
    assert.ok(processes.size >= 3, `${processes.size}`);
    for (const id of processes) assert.throws(() => process.kill(id as number, 0), /ESRCH/);
  });

  it('starts no more workers where programs end before any rates', async () => {
    const command = [process.execPath, '-e', ''] as const;
    const ending = new RewardPool(new LocalWorkers({ command }), { reward: 'x', mostAttempts: 1 });
    let message = '';
    while (!message.startsWith('Cannot')) {
      await rateBy(ending, [1]).catch((error: Error) => ({ message } = error));
    }
    assert.equal(
      message,
      'Cannot rate over workers as they must be there: 6 were lost before any rated, the last one as it ended with code 0',
    );
    await ending.close();
  });

  it('says that its program cannot be started', async () => {
    const none = new RewardPool(new LocalWorkers({ command: ['/none/such'] }), { reward: 'x' });
    await assert.rejects(
      none.reward([pixelImage(1, 1, [0, 0, 0])], [{ prompt: 'a' }], { signal: null }),
      { message: 'Cannot start workers as their program must run: spawn /none/such ENOENT' },
    );
    await none.close();
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
    assert.throws(() => new RewardPool(new LocalWorkers(), { reward: 'x', timeoutMs: 3e9 }), {
      message:
        'Cannot rate over workers as timeoutMs must be from 1 to 2147483647: current value is 3000000000',
    });
    assert.throws(() => new RewardPool(new LocalWorkers(), { reward: 'x', mostMemoryBytes: -1 }), {
      message:
        'Cannot rate over workers as mostMemoryBytes must be a whole number from 1: current value is -1',
    });
  });
});
