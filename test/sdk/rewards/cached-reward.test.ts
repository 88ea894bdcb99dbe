import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  PartialRewardFailure,
  cachedReward,
  loadPipeline,
  pixelImage,
  trainFlowGRPO,
  type PixelImage,
  type PromptRecord,
  type RewardFunction,
} from '@flowbook/sdk';
import { takeRewardMetrics } from '../../../sdk/src/rewards/take-reward-metrics';
import { CONFIG, MODEL, SMALL } from '../rollout-workers/small-rollouts';

const picture = (level: number) => pixelImage(1, 1, [level, 0, 0]);
const SIGNAL = { signal: null };

describe('cachedReward()', function () {
  this.timeout(120_000);
  /** Levels of red that the reward was asked about. */
  let asked: number[];
  const red: RewardFunction = async (images) => {
    asked.push(...images.map(({ data }) => data[0]));
    return images.map(({ data }) => data[0]);
  };
  const rate = (reward: RewardFunction, levels: number[], record: Partial<PromptRecord> = {}) =>
    reward(
      levels.map(picture),
      levels.map(() => ({ prompt: 'red', ...record })),
      SIGNAL,
    );

  beforeEach(() => {
    asked = [];
  });

  it('asks once about the same picture and prompt, and counts', async () => {
    const cached = cachedReward(red);
    assert.equal(cached.name, 'red');
    assert.deepEqual(await rate(cached, [1, 2, 1]), [1, 2, 1]);
    assert.deepEqual(await rate(cached, [2, 3]), [2, 3]);
    assert.deepEqual(asked, [1, 2, 3]);
    assert.deepEqual(cached.takeMetrics?.(), {
      'reward_cache/red/hits': 2,
      'reward_cache/red/misses': 3,
      'reward_cache/red/kept': 3,
    });
    assert.deepEqual(cached.takeMetrics?.(), {
      'reward_cache/red/hits': 0,
      'reward_cache/red/misses': 0,
      'reward_cache/red/kept': 3,
    });
  });

  it('asks anew about another prompt, another record, another shape of the same bytes', async () => {
    const cached = cachedReward(red);
    await rate(cached, [1]);
    await rate(cached, [1], { prompt: 'blue' });
    await rate(cached, [1], { objects: [{ color: 'red', count: 1 }] });
    // The order of keys means nothing.
    await rate(cached, [1], { objects: [{ count: 1, color: 'red' }] });
    const both = [pixelImage(2, 1, [7, 0, 0, 0, 0, 0]), pixelImage(1, 2, [7, 0, 0, 0, 0, 0])];
    await cached(both, [{ prompt: 'red' }, { prompt: 'red' }], SIGNAL);
    assert.deepEqual(asked, [1, 1, 1, 7, 7]);
  });

  it('forgets what was asked for longest ago', async () => {
    const cached = cachedReward(red, { mostRatings: 2 });
    await rate(cached, [1, 2]);
    await rate(cached, [1]);
    await rate(cached, [3]);
    await rate(cached, [1, 2]);
    assert.deepEqual(asked, [1, 2, 3, 2]);
  });

  it('keeps nothing of what failed, and what was rated beside it', async () => {
    let isBroken = true;
    const cached = cachedReward(
      async (images) => {
        const values = await red(images, [], SIGNAL);
        if (!isBroken) return values;
        const some = values.map((value) => (value > 1 ? NaN : value));
        throw new PartialRewardFailure('no memory', some);
      },
      { name: 'red' },
    );
    await assert.rejects(rate(cached, [1, 2, 3]), (error: PartialRewardFailure) => {
      assert.equal(error.message, 'no memory');
      assert.deepEqual(error.values, [1, NaN, NaN]);
      return true;
    });
    isBroken = false;
    assert.deepEqual(await rate(cached, [1, 2, 3]), [1, 2, 3]);
    assert.deepEqual(asked, [1, 2, 3, 2, 3]);
  });

  it('says what was wrong with an answer, and rates what it knows', async () => {
    const answers: unknown[] = [[5], [1, 2, 3], 'none', [NaN, 2]];
    const cached = cachedReward(async () => answers.shift() as number[], { name: 'odd' });
    await rate(cached, [9]);
    const failure = async (levels: number[]) => {
      const error = await rate(cached, levels).catch((one: PartialRewardFailure) => one);
      assert.ok(error instanceof PartialRewardFailure);
      return [error.message, error.values];
    };
    assert.deepEqual(await failure([9, 1, 2]), [
      'it must return 2 numbers: current value is 3 values',
      [5, NaN, NaN],
    ]);
    assert.deepEqual(await failure([1, 2]), [
      'it must return 2 numbers: current value is string',
      [NaN, NaN],
    ]);
    assert.deepEqual(await failure([1, 2]), [
      'it must return finite numbers: "red" got NaN',
      [NaN, 2],
    ]);
  });

  it('keeps ratings in a folder for later runs, of the same version alone', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'flowbook-ratings-'));
    try {
      const open = (version: string, mostRatings = 4) =>
        cachedReward(red, { version, folder, mostRatings });
      await rate(open('1'), [1, 2]);
      await rate(open('1'), [1, 2, 3]);
      assert.deepEqual(asked, [1, 2, 3]);
      await rate(open('2'), [1]);
      assert.deepEqual(asked, [1, 2, 3, 1]);
      const files = readdirSync(folder);
      assert.equal(files.length, 2);
      assert.ok(files.every((file) => /^red-[0-9a-f]{12}\.jsonl$/.test(file)));
      // A crash in the middle of a line costs that line.
      const [file] = files.filter((one) => readFileSync(join(folder, one), 'utf8').length > 100);
      const path = join(folder, file);
      writeFileSync(path, `${readFileSync(path, 'utf8')}[["half`);
      const again = open('1');
      await rate(again, [1, 2, 3, 4]);
      assert.deepEqual(asked, [1, 2, 3, 1, 4]);
      // Twice as many as are kept: the file is written anew.
      await rate(again, [5, 6, 7, 8]);
      await rate(again, [9]);
      const lines = readFileSync(path, 'utf8').trim().split('\n');
      assert.deepEqual(
        lines.map((line) => (JSON.parse(line) as unknown[]).length),
        [4],
      );
      writeFileSync(path, '{"a": 1}\n');
      assert.throws(() => open('1'), {
        message: `Cannot read ratings from "${path}" as each line must be a list of keys with finite numbers: line 1 is not`,
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('leaves the log what the reward that it asks says of itself', async () => {
    const told: RewardFunction = Object.assign(async () => [1], {
      takeMetrics: () => ({ told: 3 }),
    });
    const cached = cachedReward(told, { name: 'told' });
    const { told: count, ...own } = takeRewardMetrics(
      { quality: { reward: cached } },
      { again: told },
    );
    assert.equal(count, 3);
    assert.equal(own['reward_cache/told/kept'], 0);
  });

  it('says which option breaks its rule', () => {
    const start = "Cannot keep a reward's ratings as ";
    assert.throws(() => cachedReward(async (images: PixelImage[]) => images.map(() => 1)), {
      message: `${start}a reward without a name needs one: current value is ""`,
    });
    assert.throws(() => cachedReward(red, { mostRatings: 0 }), {
      message: `${start}mostRatings must be a whole number from 1: current value is 0`,
    });
    assert.throws(() => cachedReward(red, { folder: 'x' }), {
      message: `${start}version must be given with a folder, or a changed reward has old ratings: current value is ""`,
    });
  });

  it('trains as the reward itself does, with its hits in the log', async () => {
    const small = { ...SMALL, steps: 2, learningRate: 1e-9 };
    const train = async (reward: RewardFunction | string) => {
      const pipeline = await loadPipeline(MODEL, CONFIG);
      const { log } = await trainFlowGRPO(pipeline, {
        ...small,
        reward,
        monitors: { again: reward },
      });
      pipeline.dispose();
      return log;
    };
    const plain = await train('redness');
    const log = await train(cachedReward('redness'));
    assert.deepEqual(
      log.map(({ reward, loss }) => [reward, loss]),
      plain.map(({ reward, loss }) => [reward, loss]),
    );
    // Eight pictures a step; the monitor asks about the same again.
    for (const [at, line] of log.entries()) {
      assert.equal(line['reward_cache/redness/hits'], 8);
      assert.equal(line['reward_cache/redness/misses'], 8);
      assert.equal(line['reward_cache/redness/kept'], 8 * (at + 1));
    }
  });
});
