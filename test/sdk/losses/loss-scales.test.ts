import assert from 'node:assert/strict';
import { computeLoss, type LossConfig, type LossInputs } from '../../../sdk/src/losses';
import { stepScale, transitions } from '../../../sdk/src/schedulers';
import { tf } from '../../../sdk/src/tensorflow';
import { near, read, test } from './some-inputs';

/** One Gaussian step of width k, as the transitions report it: std_dev_t and log-probabilities on their own scales. */
function reported(
  sdeType: string,
  { k, dt, distance }: { k: number; dt: number; distance: number },
): { inputs: LossInputs; scale: Partial<LossConfig> } {
  const scale = stepScale(transitions.get(sdeType));
  // x' = oldMean + k epsilon: ln p / p_old = (2 k epsilon d - d^2) / (2 k^2) for d = mean - oldMean.
  const logRatio = ([0.3, -0.4] as const).map(
    (epsilon) => 2 * k * epsilon * distance - distance ** 2,
  );
  const precision = scale.log_prob_holds_variance ? 1 / (2 * k * k) : 1;
  const inputs = {
    log_probs: tf.tensor1d(logRatio.map((value) => value * precision)),
    old_log_probs: tf.zeros([2]),
    advantages: tf.tensor1d([1, -2]),
    prev_sample_mean: tf.fill([2, 3, 2], distance),
    old_prev_sample_mean: tf.zeros([2, 3, 2]),
    ref_prev_sample_mean: tf.zeros([2, 3, 2]),
    teacher_prev_sample_mean: tf.zeros([2, 3, 2]),
    std_dev_t: tf.fill([2, 1, 1], scale.std_holds_dt ? k : k / Math.sqrt(dt)),
    sqrt_dt: tf.fill([2], Math.sqrt(dt)),
  };
  return { inputs, scale };
}

describe('computeLoss() on transitions that report the same step on other scales', () => {
  const step = { k: 0.2, dt: 0.04, distance: 0.01 };
  const lossOf = (name: string, sdeType: string, compat: 'verl-omni' | null = null) => {
    const { inputs, scale } = reported(sdeType, step);
    return computeLoss(name, inputs, { ...scale, clip_ratio: 0.5, compat });
  };

  for (const name of ['kl', 'distill_kl', 'grpo_guard']) {
    test(`'${name}' gives one number, and upstream's other numbers in compat 'verl-omni'`, () => {
      const expected = read(lossOf(name, 'sde').loss);
      near(expected, read(lossOf(name, 'sde', 'verl-omni').loss));
      for (const sdeType of ['dance_sde', 'cps']) {
        near(read(lossOf(name, sdeType).loss), expected);
        const upstream = read(lossOf(name, sdeType, 'verl-omni').loss);
        assert.ok(Math.abs(upstream / expected - 1) > 1e-3, `${sdeType}: ${upstream} ${expected}`);
      }
    });
  }

  test("'kl' of upstream is 1 / dt too large where std holds sqrt(dt)", () => {
    const expected = read(lossOf('kl', 'sde').loss);
    near(expected, (step.distance ** 2 * step.dt) / (2 * step.k ** 2));
    near(read(lossOf('kl', 'cps', 'verl-omni').loss), expected / step.dt);
  });

  test("'flow_dppo' sees one divergence, and upstream 1 / dt too large a one", () => {
    const divergence = (sdeType: string, compat: 'verl-omni' | null = null) =>
      read(lossOf('flow_dppo', sdeType, compat).metrics['actor/kl_new_old_mean']);
    const expected = step.distance ** 2 / (2 * step.k ** 2);
    for (const sdeType of ['sde', 'dance_sde', 'cps']) near(divergence(sdeType), expected);
    for (const sdeType of ['dance_sde', 'cps']) {
      near(divergence(sdeType, 'verl-omni'), expected / step.dt);
    }
  });

  test("a step without noise counts nothing, and is infinite in compat 'verl-omni'", () => {
    const { inputs, scale } = reported('cps', step);
    const last: LossInputs = { ...inputs, std_dev_t: tf.tensor3d([0.2, 0], [2, 1, 1]) };
    const first = Object.fromEntries(
      Object.entries(last).map(([key, value]) => [key, (value as tf.Tensor).slice(0, 1)]),
    );
    const lossFor = (name: string, of: LossInputs, compat: 'verl-omni' | null = null) =>
      read(computeLoss(name, of, { ...scale, clip_ratio: 0.5, compat }).loss);
    near(lossFor('kl', last), lossFor('kl', first) / 2);
    near(lossFor('flow_dppo', last), lossFor('flow_dppo', first) / 2);
    // Ratio 1: -A / dt, without a gradient.
    near(lossFor('grpo_guard', last), (lossFor('grpo_guard', first) + 2 / step.dt) / 2);
    assert.equal(lossFor('kl', last, 'verl-omni'), Infinity);
    for (const name of ['kl', 'grpo_guard']) {
      const gradient = tf.grad(
        (prev_sample_mean) =>
          computeLoss(name, { ...last, prev_sample_mean }, { ...scale, clip_ratio: 0.5 }).loss,
      )(last.prev_sample_mean as tf.Tensor);
      const values = gradient.slice(1, 1).dataSync();
      assert.ok(
        values.every((value) => value === 0),
        `${name}: ${values}`,
      );
    }
  });

  test("'kl' needs sqrt_dt where std holds it", () => {
    const { inputs, scale } = reported('dance_sde', step);
    assert.throws(() => computeLoss('kl', { ...inputs, sqrt_dt: null }, scale), {
      message:
        'Cannot compute loss "kl" as inputs are missing: sqrt_dt; available are log_probs, old_log_probs, advantages, prev_sample_mean, old_prev_sample_mean, ref_prev_sample_mean, teacher_prev_sample_mean, std_dev_t',
    });
  });
});
