import assert from 'node:assert/strict';
import { ADVANTAGE_MODES, advantageEstimators, rewardProbability, tf } from '@flowbook/sdk';
import { registerDocumentedParts, unregisterDocumentedParts } from '../examples/all-examples';
import { every } from './every';

const rewards = [0.5, 2, 1, -1, 4, 0, 7];
const groups = ['a', 'b', 'a', 'b', 'a', 'b', 'alone'];

const estimate = (name: string, values: number[] = rewards, names: string[] = groups, width = 1) =>
  advantageEstimators.get(name)(values, names, { width });

const close = (actual: ArrayLike<number>, expected: readonly number[]) =>
  expected.forEach((value, at) => assert.ok(Math.abs(actual[at] - value) < 1e-5, String(actual)));

describe('advantage estimators contract', function () {
  this.timeout(300_000);
  before(registerDocumentedParts);
  after(unregisterDocumentedParts);
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());

  it('every estimator gives finite advantages (B, W), the same at every step of the window', () =>
    every(advantageEstimators.names(), (name) => {
      const A = estimate(name, rewards, groups, 3);
      assert.deepEqual([A.shape, A.dtype], [[7, 3], 'float32']);
      assert.ok(A.dataSync().every(Number.isFinite));
      for (const row of A.arraySync()) assert.equal(new Set(row).size, 1);
    }));

  it('every estimator compares within groups: a group sums to 0, and one alone has 0', () =>
    every(advantageEstimators.names(), (name) => {
      const A = estimate(name).dataSync();
      for (const group of new Set(groups)) {
        const sum = groups.reduce((total, other, at) => total + (other === group ? A[at] : 0), 0);
        assert.ok(Math.abs(sum) < 1e-5, `${group} sums to ${sum}`);
      }
      assert.equal(A[6], 0);
    }));

  it('every estimator ranks a group as its rewards do', () =>
    every(advantageEstimators.names(), (name) => {
      const A = estimate(name).dataSync();
      rewards.forEach((reward, at) =>
        rewards.forEach((other, against) => {
          if (groups[at] === groups[against] && reward > other) assert.ok(A[at] > A[against]);
        }),
      );
    }));

  it('every estimator goes by groups, not by their names or the order of rows', () =>
    every(advantageEstimators.names(), (name) => {
      const A = estimate(name).dataSync();
      const order = [6, 2, 0, 5, 1, 4, 3];
      const shuffled = estimate(
        name,
        order.map((at) => rewards[at]),
        order.map((at) => `group ${groups[at]}`),
      );
      close(
        shuffled.dataSync(),
        order.map((at) => A[at]),
      );
    }));

  it('every estimator leaves one tensor', () =>
    every(advantageEstimators.names(), (name) => {
      const before = tf.memory().numTensors;
      const A = estimate(name);
      assert.equal(tf.memory().numTensors, before + 1);
      A.dispose();
    }));
});

describe('advantage modes contract', () => {
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());

  it('every mode gives probabilities that never fall as advantages rise', () =>
    every(ADVANTAGE_MODES, (mode) => {
      const A = tf.linspace(-7, 7, 29);
      const p = rewardProbability(A, { mode, advClipMax: 5 }).dataSync();
      assert.ok(p.every((value) => value >= 0 && value <= 1));
      p.forEach((value, at) => assert.ok(at === 0 || value >= p[at - 1]));
      assert.ok(p[28] > p[0]);
    }));

  it('every mode keeps shapes and leaves one tensor', () =>
    every(ADVANTAGE_MODES, (mode) => {
      const A = tf.zeros([3, 2]);
      const before = tf.memory().numTensors;
      assert.deepEqual(rewardProbability(A, { mode }).shape, [3, 2]);
      assert.equal(tf.memory().numTensors, before + 1);
    }));
});
