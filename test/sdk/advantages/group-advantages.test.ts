import assert from 'node:assert/strict';
import {
  advantageEstimators,
  groupAdvantages,
  rewardProbability,
} from '../../../sdk/src/advantages';
import { tf } from '../../../sdk/src/tensorflow';

const GROUPS = ['a', 'a', 'b', 'b'];
const REWARDS = [1, 3, 0, 2];
const test = (title: string, body: () => void) => it(title, () => void tf.tidy(body));
const near = (tensor: tf.Tensor, expected: number[], tolerance = 1e-6) => {
  const actual = [...tensor.dataSync()];
  assert.equal(actual.length, expected.length);
  actual.forEach((value, at) =>
    assert.ok(Math.abs(value - expected[at]) <= tolerance, `${value} is not ${expected[at]}`),
  );
};

describe('groupAdvantages()', () => {
  test('averages 0 in every group, whatever the switches', () => {
    const rewards = [0.3, -2, 5, 0.1, 7, 7.5, -1];
    const groups = ['x', 'y', 'x', 'z', 'y', 'x', 'y'];
    for (const normAdvByStdInGrpo of [true, false]) {
      for (const globalStd of [true, false]) {
        const options = { normAdvByStdInGrpo, globalStd };
        const A = [...groupAdvantages(rewards, groups, options).dataSync()];
        for (const group of ['x', 'y', 'z']) {
          const sum = A.reduce((total, one, at) => total + (groups[at] === group ? one : 0), 0);
          assert.ok(Math.abs(sum) < 1e-5, `${group}: ${sum}`);
        }
      }
    }
  });

  test('subtracts the mean alone without normAdvByStdInGrpo', () => {
    near(groupAdvantages(REWARDS, GROUPS, { normAdvByStdInGrpo: false }), [-1, 1, -1, 1]);
  });

  // Figures computed with verl-omni on rewards repeated over a window.
  for (const [width, global, group] of [
    [5, 0.8717038, 0.9485933],
    [2, 0.8365901, 0.8659504],
    [1, 0.7745367, 0.7070568],
  ]) {
    test(`divides by the unbiased deviation of rewards repeated ${width} times`, () => {
      for (const [globalStd, A] of [
        [true, global],
        [false, group],
      ] as [boolean, number][]) {
        const expected = [-A, A, -A, A].flatMap((value) => Array<number>(width).fill(value));
        near(groupAdvantages(REWARDS, GROUPS, { globalStd, width }), expected);
      }
    });
  }

  test('gives a group of one, and a group of equals, advantage 0', () => {
    near(groupAdvantages([5, 1, 1], ['a', 'b', 'b']), [0, 0, 0]);
    near(groupAdvantages([5], ['a'], { globalStd: false }), [0]);
  });

  test('gives a group of one advantage 0 where its steps have rewards of their own, too', () => {
    const advantages = groupAdvantages(tf.tensor2d([[1, 3]]), ['a']);
    assert.deepEqual([...advantages.dataSync()], [0, 0]);
  });

  test('gives equal rewards exactly 0, in whichever way their mean is rounded', () => {
    // The mean of three .1 comes out above .1, that of three .7 below .7.
    const same = [0.1, 0.7].flatMap((reward) => Array<number>(3).fill(reward));
    const rewards = [...same, 0.2, 0.9];
    const groups = ['a', 'a', 'a', 'b', 'b', 'b', 'c', 'c'];
    for (const globalStd of [true, false]) {
      for (const compat of [null, 'verl-omni'] as const) {
        const A = groupAdvantages(rewards, groups, { globalStd, compat });
        assert.deepEqual([...A.dataSync()].slice(0, 6), Array<number>(6).fill(0));
        for (const mode of ['binary', 'one_only'] as const) {
          const p = rewardProbability(A, { mode }).dataSync();
          assert.deepEqual([...p].slice(0, 6), Array<number>(6).fill(0.5));
        }
      }
    }
  });

  test("heeds both flags for 'dance_grpo', and neither in compat 'verl-omni'", () => {
    const flags = { normAdvByStdInGrpo: false, globalStd: false };
    const dance = (compat: 'verl-omni' | null) =>
      groupAdvantages(REWARDS, GROUPS, { ...flags, advEstimator: 'dance_grpo', compat });
    near(dance(null), [-1, 1, -1, 1]);
    near(dance('verl-omni'), [-0.7745367, 0.7745367, -0.7745367, 0.7745367]);
    near(groupAdvantages(REWARDS, GROUPS, { ...flags, compat: 'verl-omni' }), [-1, 1, -1, 1]);
  });

  test("gives one reward alone advantage 0, and NaN in compat 'verl-omni'", () => {
    near(groupAdvantages([5], ['a']), [0]);
    const upstream = groupAdvantages([5], ['a'], { compat: 'verl-omni' });
    assert.deepEqual([...upstream.dataSync()], [NaN]);
  });

  test('takes rewards as numbers, as (B) and as (B, W)', () => {
    const expected = groupAdvantages(REWARDS, GROUPS);
    assert.deepEqual(expected.shape, [4, 1]);
    near(groupAdvantages(tf.tensor1d(REWARDS), GROUPS), [...expected.dataSync()]);
    assert.deepEqual(groupAdvantages(tf.ones([4, 3]), GROUPS).shape, [4, 3]);
  });

  test('refuses group names, shapes and widths that do not fit', () => {
    assert.throws(() => groupAdvantages(REWARDS, ['a']), {
      message:
        'Cannot compute advantages as there must be one group name a reward (4): there are 1',
    });
    for (const shape of [[2, 2, 2], []]) {
      assert.throws(() => groupAdvantages(tf.ones(shape), ['a', 'a']), {
        message: `Cannot compute advantages as rewards must be (B) or (B, W): their shape is [${shape}]`,
      });
    }
    assert.throws(() => groupAdvantages(tf.ones([4, 3]), GROUPS, { width: 2 }), {
      message: 'Cannot repeat rewards to width 2 as there must be one a row: there are 3',
    });
  });

  test('refuses rewards that are not finite, by their row, and an epsilon below 0', () => {
    for (const [rewards, row] of [
      [[1, NaN, 0, 2], '1 has NaN'],
      [tf.tensor2d([1, 3, 0, 2, 5, Infinity, 1, 1], [4, 2]), '2 has 5, Infinity'],
    ] as const) {
      assert.throws(() => groupAdvantages(rewards, GROUPS), {
        message: `Cannot compute advantages as rewards must be finite numbers: row ${row}`,
      });
    }
    assert.throws(() => groupAdvantages(REWARDS, GROUPS, { epsilon: -1 }), {
      message: 'Cannot compute advantages as epsilon must be a number from 0: current value is -1',
    });
  });

  test('takes a width that is a whole number from 1, and no other', () => {
    for (const width of [1.5, -1, 0, NaN, '2' as never]) {
      for (const name of ['flow_grpo', 'dance_grpo']) {
        const estimate = advantageEstimators.get(name);
        assert.throws(() => estimate([1, 2], ['a', 'a'], { width }), {
          message: `Cannot compute advantages as width must be a whole number from 1: current value is ${typeof width === 'string' ? '"2"' : width}`,
        });
      }
    }
  });
});

describe('rewardProbability()', () => {
  const A = () => tf.tensor1d([-10, -5, 0, 5, 10]);

  test('maps +-M to 1 and 0, and no advantage to a half', () => {
    near(rewardProbability(A()), [0, 0, 0.5, 1, 1]);
  });

  test('refuses advantages that are NaN', () => {
    assert.throws(
      () =>
        rewardProbability(
          tf.tensor2d([
            [0, 1],
            [NaN, 1],
          ]),
        ),
      {
        message:
          'Cannot turn advantages into probabilities as advantages must be numbers: one is NaN',
      },
    );
  });

  test('refuses a bound of 0, which would divide by it', () => {
    assert.throws(() => rewardProbability(A(), { advClipMax: 0 }), {
      message:
        'Cannot turn advantages into probabilities as advClipMax must be a number above 0: current value is 0',
    });
  });

  test('keeps what its mode keeps', () => {
    near(rewardProbability(A(), { mode: 'one_only' }), [0.5, 0.5, 0.5, 0.6, 0.6]);
    near(rewardProbability(A(), { mode: 'binary' }), [0.4, 0.4, 0.5, 0.6, 0.6]);
    near(rewardProbability(A(), { mode: 'positive_only' }), [0.5, 0.5, 0.5, 1, 1]);
    near(rewardProbability(A(), { mode: 'negative_only' }), [0, 0, 0.5, 0.5, 0.5]);
    assert.throws(() => rewardProbability(A(), { mode: 'all' as 'binary' }), {
      message:
        'Cannot turn advantages into probabilities as mode must be continuous, positive_only, negative_only, one_only or binary: current value is "all"',
    });
  });
});
