import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  cachedReward,
  getReward,
  pixelImage,
  registerReward,
  scoreRewards,
  scoreWeightedRewards,
  type PixelImage,
  type RewardFunction,
} from '@flowbook/sdk';

const prompts = (count: number) => Array.from({ length: count }, (_, at) => ({ prompt: `p${at}` }));

function flat(level: number[], side = 32): PixelImage {
  return pixelImage(side, side, Array.from({ length: side * side }, () => level).flat());
}

function noisy(side = 32): PixelImage {
  let state = 1;
  const data = Array.from({ length: side * side * 3 }, () => {
    state = (state * 48271) % 2147483647;
    return state % 256;
  });
  return pixelImage(side, side, data);
}

describe('rewards', () => {
  it('getReward() lists what is registered on a miss', () => {
    assert.throws(
      () => getReward('beauty'),
      /Cannot find reward "beauty": registered are shapes, /,
    );
  });

  it('registerReward() refuses a name that is taken, unless told to replace', () => {
    const zero = async (images: PixelImage[]) => images.map(() => 0);
    registerReward('test_zero', zero);
    assert.throws(() => registerReward('test_zero', zero), /already registered/);
    registerReward('test_zero', zero, { replace: true });
  });

  it('scoreRewards() rates with a registered reward', async () => {
    const rewards = await scoreRewards(
      'redness',
      [flat([255, 0, 0]), flat([0, 255, 255]), flat([9, 9, 9])],
      prompts(3),
    );
    assert.deepEqual(rewards, [1, -1, 0]);
  });

  it('scoreRewards() rates a plain picture as more compressible than a noisy one', async () => {
    const images = [flat([200, 10, 10]), noisy()];
    const [plain, detailed] = await scoreRewards('jpeg_compressibility', images, prompts(2));
    assert.ok(plain > detailed && plain < 0);
    assert.deepEqual(await scoreRewards('jpeg_incompressibility', images, prompts(2)), [
      -plain,
      -detailed,
    ]);
  });

  it('scoreRewards() names the reward that returns too few values', async () => {
    async function lazy(): Promise<number[]> {
      return [1];
    }
    await assert.rejects(scoreRewards(lazy, [noisy(), noisy()], prompts(2)), {
      message: 'Cannot score reward "lazy" as it must return 2 numbers: current value is 1 values',
    });
  });

  it('scoreRewards() names the picture whose reward is not finite', async () => {
    async function broken(images: PixelImage[]): Promise<number[]> {
      return images.map((_, at) => (at === 1 ? NaN : 0));
    }
    await assert.rejects(scoreRewards(broken, [noisy(), noisy()], prompts(2)), {
      message:
        'Cannot score reward "broken" as it must return finite numbers: picture 1 ("p1") got NaN',
    });
  });

  it('scoreRewards() names the picture for which a place in the list was never filled', async () => {
    async function holes(images: PixelImage[]): Promise<number[]> {
      const values = new Array<number>(images.length);
      images.forEach((_, at) => at === 1 || (values[at] = at));
      return values;
    }
    const images = [noisy(), noisy(), noisy()];
    await assert.rejects(scoreRewards(holes, images, prompts(3)), {
      message:
        'Cannot score reward "holes" as it must return finite numbers: picture 1 ("p1") got undefined',
    });
    const { rewards, failures } = await scoreWeightedRewards({ holes }, images, prompts(3));
    assert.deepEqual([rewards, failures[0].pictures], [[0, NaN, 2], 1]);
    await assert.rejects(
      scoreWeightedRewards({ holes: { reward: holes, required: true } }, images, prompts(3)),
      { message: /reward "holes" is required and failed on 1 of 3: "p1" got undefined$/ },
    );
  });

  it('scoreRewards() keeps what it returned when the reward fills the same list again', async () => {
    const values: number[] = [];
    const reuses = async (images: PixelImage[]) => {
      values.length = 0;
      images.forEach(() => values.push(++calls));
      return values;
    };
    let calls = 0;
    const first = await scoreRewards(reuses, [noisy()], prompts(1));
    await scoreRewards(reuses, [noisy()], prompts(1));
    assert.deepEqual(first, [1]);
  });

  it('scoreRewards() leaves its caller and other rewards the lists that a reward takes apart', async () => {
    const takesApart = async (images: PixelImage[], records: object[]) => {
      const values: number[] = [];
      for (; images.length > 0; records.shift()) values.push(...images.splice(0, 1).map(() => 1));
      return values;
    };
    const images = [noisy(), noisy()];
    assert.deepEqual(await scoreRewards(takesApart, images, prompts(2)), [1, 1]);
    assert.equal(images.length, 2);
    const terms = { takesApart, two: async (left: PixelImage[]) => left.map(() => 2) };
    assert.deepEqual((await scoreWeightedRewards(terms, images, prompts(2))).rewards, [3, 3]);
  });

  it('scoreRewards() names the reward that fails, with its reason', async () => {
    async function server(): Promise<number[]> {
      throw new Error('503');
    }
    await assert.rejects(scoreRewards(server, [noisy()], prompts(1)), {
      message: 'Cannot score reward "server" as it failed: 503',
    });
  });

  it('scoreRewards() names the reward that never ends, its limit and its first picture, and tells it to stop', async () => {
    let stopped: unknown;
    const forever: RewardFunction = (_, __, { signal }) => {
      signal?.addEventListener('abort', () => (stopped = signal.reason));
      return new Promise<number[]>(() => {});
    };
    const message = 'it must rate 2 pictures, the first of "p0", within 20 ms';
    await assert.rejects(scoreRewards(forever, [noisy(), noisy()], prompts(2), { timeoutMs: 20 }), {
      message: `Cannot score reward "forever" as it failed: ${message}`,
    });
    assert.equal((stopped as Error).message, message);
  });

  it('scoreRewards() leaves rewards their time that keep to a limit of their own, or are given none', async () => {
    const slow: RewardFunction = async (images) => {
      await sleep(60);
      return images.map(() => 1);
    };
    assert.deepEqual(await scoreRewards(slow, [noisy()], prompts(1), { timeoutMs: null }), [1]);
    slow.limitsTime = true;
    const cached = cachedReward(slow, { name: 'slow' });
    assert.deepEqual(await scoreRewards(cached, [noisy()], prompts(1), { timeoutMs: 5 }), [1]);
    slow.limitsTime = false;
    await assert.rejects(
      scoreRewards(cachedReward(slow, { name: 'slow' }), [noisy()], prompts(1), { timeoutMs: 5 }),
      /within 5 ms/,
    );
  });

  it('scoreRewards() refuses limits that timers do not keep', async () => {
    for (const timeoutMs of [0, -1, NaN, Infinity, 2 ** 31]) {
      await assert.rejects(scoreRewards('redness', [noisy()], prompts(1), { timeoutMs }), {
        message: `Cannot score rewards as timeoutMs must be null or a number of milliseconds from 1 to 2147483647: current value is ${timeoutMs}`,
      });
    }
  });

  it('scoreRewards() stops waiting once the signal is aborted', async () => {
    const controller = new AbortController();
    const forever = () => new Promise<number[]>(() => {});
    const scoring = scoreRewards(forever, [noisy()], prompts(1), { signal: controller.signal });
    controller.abort(new Error('stop'));
    await assert.rejects(scoring, { message: 'stop' });
  });
});
