import assert from 'node:assert/strict';
import {
  scoreWeightedRewards,
  type PixelImage,
  type RewardTerms,
  type WeightedRewardOptions,
} from '@flowbook/sdk';

const PROMPTS = ['a', 'b', 'c', 'd'].map((prompt) => ({ prompt }));
const IMAGES = PROMPTS.map(() => ({}) as PixelImage);
const values =
  (...list: number[]) =>
  async () =>
    list;
const score = (terms: RewardTerms, options: WeightedRewardOptions = {}) =>
  scoreWeightedRewards(terms, IMAGES, PROMPTS, { signal: null, ...options });

describe('scoreWeightedRewards()', () => {
  it('adds rewards up by their weights, 1 for a reward alone', async () => {
    const { rewards, terms, failures } = await score({
      half: { reward: values(1, 0, 2, 0), weight: 0.5 },
      whole: values(0, 1, 0, 1),
    });
    assert.deepEqual(rewards, [0.5, 1, 1, 1]);
    assert.deepEqual(terms, { half: [1, 0, 2, 0], whole: [0, 1, 0, 1] });
    assert.deepEqual(failures, []);
  });

  it('leaves out what a reward could not rate, or counts 0 for it when asked to', async () => {
    const terms = { steady: values(1, 1, 1, 1), shaky: values(2, NaN, 2, Infinity) };
    const dropped = await score(terms);
    assert.deepEqual(dropped.rewards, [3, NaN, 3, NaN]);
    assert.deepEqual(dropped.failures, [{ reward: 'shaky', pictures: 2, message: '"b" got NaN' }]);
    assert.deepEqual((await score(terms, { onFailure: 'zero' })).rewards, [3, 1, 3, 1]);
  });

  it('takes a reward that throws for one that failed on all pictures', async () => {
    const failing = async () => {
      throw new Error('no answer');
    };
    const terms = { steady: values(1, 2, 3, 4), judge: failing };
    const dropped = await score(terms);
    assert.deepEqual(dropped.rewards, [NaN, NaN, NaN, NaN]);
    assert.deepEqual(dropped.failures, [
      {
        reward: 'judge',
        pictures: 4,
        message: 'Cannot score reward "failing" as it failed: no answer',
      },
    ]);
    assert.deepEqual((await score(terms, { onFailure: 'zero' })).rewards, [1, 2, 3, 4]);
  });

  it('takes a reward that takes too long for one that failed, whichever the policy', async () => {
    const forever = () => new Promise<number[]>(() => {});
    const terms = { steady: values(1, 2, 3, 4), judge: forever };
    const message =
      'Cannot score reward "forever" as it failed: it must rate 4 pictures, the first of "a", within 10 ms';
    const dropped = await score(terms, { timeoutMs: 10 });
    assert.deepEqual(dropped.rewards, [NaN, NaN, NaN, NaN]);
    assert.deepEqual(dropped.failures, [{ reward: 'judge', pictures: 4, message }]);
    const zero = await score(terms, { timeoutMs: 10, onFailure: 'zero' });
    assert.deepEqual(zero.rewards, [1, 2, 3, 4]);
    const required = { ...terms, judge: { reward: forever, required: true } };
    await assert.rejects(score(required, { timeoutMs: 10 }), {
      message: `Cannot score pictures as reward "judge" is required and failed on 4 of 4: ${message}`,
    });
  });

  it('stops when a required reward fails', async () => {
    const terms = { exact: { reward: values(1, NaN, 1, 1), required: true } };
    await assert.rejects(score(terms, { onFailure: 'zero' }), {
      message:
        'Cannot score pictures as reward "exact" is required and failed on 1 of 4: "b" got NaN',
    });
  });

  it('makes rewards comparable over the batch before it weights them', async () => {
    const { rewards, terms } = await score(
      { small: values(0, 1, 2, 3), large: { reward: values(3000, 2000, 1000, 0), weight: 1 } },
      { normalize: 'batch' },
    );
    // Opposite rewards of equal weight cancel out, whatever their scales.
    rewards.forEach((reward) => assert.ok(Math.abs(reward) < 1e-3, `${reward}`));
    assert.deepEqual(terms.large, [3000, 2000, 1000, 0]);
  });

  it('makes rewards comparable over each group, and 0 where a group is alone or equal', async () => {
    const { rewards } = await score(
      { one: values(1, 3, 5, 9) },
      { normalize: 'group', groups: ['x', 'x', 'y', 'z'] },
    );
    const expected = [-1, 1].map((sign) => sign / (Math.SQRT2 + 1e-4));
    rewards.slice(0, 2).forEach((reward, at) => assert.ok(Math.abs(reward - expected[at]) < 1e-9));
    assert.deepEqual(rewards.slice(2), [0, 0]);
  });

  it('refuses weights that add up to nothing, and groups that do not fit', async () => {
    await assert.rejects(score({ none: { reward: values(1, 1, 1, 1), weight: 0 } }), {
      message:
        'Cannot score pictures as the weights of rewards must add up to a positive number: current value is 0',
    });
    await assert.rejects(score({ one: values(1, 1, 1, 1) }, { normalize: 'group' }), {
      message:
        'Cannot normalise rewards as every picture needs its group: current numbers are 4 pictures and 0 groups',
    });
  });

  it("rejects with the signal's reason once it is aborted", async () => {
    const controller = new AbortController();
    controller.abort(new Error('stopped'));
    await assert.rejects(score({ one: values(1, 1, 1, 1) }, { signal: controller.signal }), {
      message: 'stopped',
    });
  });
});
