import assert from 'node:assert/strict';
import {
  computeLoss,
  lossGradients,
  losses,
  type LossConfig,
  type LossInputs,
} from '../../../sdk/src/losses';
import { stepScale, transitions } from '../../../sdk/src/schedulers';
import { tf } from '../../../sdk/src/tensorflow';

const test = (title: string, body: () => void) => it(title, () => void tf.tidy(body));
const read = (tensor: tf.Tensor) => tensor.dataSync()[0];
const near = (actual: number, expected: number, tolerance = 2e-6) =>
  assert.ok(
    Math.abs(actual - expected) <= tolerance * (1 + Math.abs(expected)),
    `${actual} is not ${expected}`,
  );

/** Inputs for every loss; rows are at the same step. */
function someInputs(B = 4): Record<string, tf.Tensor> {
  const normal = (seed: number, shape: number[]) => tf.randomNormal(shape, 0, 0.1, 'float32', seed);
  return {
    log_probs: normal(1, [B]),
    old_log_probs: normal(2, [B]),
    advantages: normal(3, [B]),
    prev_sample_mean: normal(4, [B, 3, 2]),
    old_prev_sample_mean: normal(5, [B, 3, 2]),
    ref_prev_sample_mean: normal(6, [B, 3, 2]),
    teacher_prev_sample_mean: normal(7, [B, 3, 2]),
    std_dev_t: tf.fill([B, 1, 1], 0.5),
    sqrt_dt: tf.fill([B], 0.3),
    noise_pred: normal(8, [B, 3, 2]),
    ref_noise_pred: normal(9, [B, 3, 2]),
    teacher_noise_pred: normal(10, [B, 3, 2]),
    latents_clean: normal(11, [B, 3, 2]),
    noise: normal(12, [B, 3, 2]),
    x0: normal(13, [B, 3, 2]),
    xt: normal(14, [B, 3, 2]),
    t_expanded: tf.fill([B, 1, 1], 0.4),
    forward_prediction: normal(15, [B, 3, 2]),
    old_prediction: normal(16, [B, 3, 2]),
    ref_forward_prediction: normal(17, [B, 3, 2]),
    reward_prob: tf.fill([B], 0.7),
  };
}

for (const name of losses.names()) {
  describe(`computeLoss('${name}')`, () => {
    it('returns scalars and leaves nothing else', () => {
      const inputs = someInputs();
      const before = tf.memory().numTensors;
      const { loss, metrics } = computeLoss(name, inputs);
      const scalars = [loss, ...Object.values(metrics)];
      assert.ok(scalars.every(({ shape }) => shape.length === 0));
      assert.ok(scalars.every((scalar) => Number.isFinite(read(scalar))));
      tf.dispose([...scalars]);
      assert.equal(tf.memory().numTensors, before);
      tf.dispose(inputs);
    });

    test('names the inputs that are missing and those that are there', () => {
      const [first, ...rest] = losses.get(name).requiredInputs;
      const inputs = Object.fromEntries(rest.map((key) => [key, tf.scalar(0)]));
      assert.throws(() => computeLoss(name, { ...inputs, [first]: null }), {
        message: `Cannot compute loss "${name}" as inputs are missing: ${first}; available are ${rest.join(', ') || 'none'}`,
      });
    });
  });
}

for (const name of ['flow_grpo', 'grpo_guard', 'flow_dppo']) {
  describe(`computeLoss('${name}') before the first update`, () => {
    const onPolicy = (): LossInputs => {
      const inputs = someInputs();
      return {
        ...inputs,
        old_log_probs: inputs.log_probs,
        old_prev_sample_mean: inputs.prev_sample_mean,
      };
    };

    test('has ratio 1 and clips nothing', () => {
      const { metrics } = computeLoss(name, onPolicy());
      assert.equal(read(metrics['actor/ratio_mean']), 1);
      assert.equal(Math.abs(read(metrics['actor/ppo_kl'])), 0);
      const cut = metrics['actor/pg_clipfrac'] ?? metrics['actor/masked_fraction'];
      assert.equal(read(cut), 0);
    });

    test('has the policy gradient: proportional to -A', () => {
      const inputs = onPolicy();
      const gradient = tf.grad((log_probs) => computeLoss(name, { ...inputs, log_probs }).loss)(
        inputs.log_probs as tf.Tensor,
      );
      const A = (inputs.advantages as tf.Tensor).dataSync();
      const scale = name === 'grpo_guard' ? (0.3 * 0.5) / 0.3 ** 2 : 1;
      gradient.dataSync().forEach((value, at) => near(value, (-A[at] * scale) / A.length));
    });
  });
}

/** Figures computed with verl-omni. */
const REFERENCE: [
  title: string,
  name: string,
  inputs: () => LossInputs,
  config: Partial<LossConfig>,
  loss: number,
  metrics: Record<string, number>,
][] = [
  ...(['flow_grpo', 'flow_dppo'] as const).map(
    (name) =>
      [
        'on four large ratios',
        name,
        () => ({
          log_probs: tf.log(tf.tensor1d([1.2, 0.8, 1.2, 0.8])),
          old_log_probs: tf.zeros([4]),
          advantages: tf.tensor1d([10, -10, -8, 8]),
          prev_sample_mean: tf.fill([4, 2, 2], 0.2),
          old_prev_sample_mean: tf.zeros([4, 2, 2]),
          std_dev_t: tf.fill([4, 1, 1], 0.5),
          sqrt_dt: tf.fill([4], 0.5),
        }),
        {},
        name === 'flow_grpo' ? 0.4997499 : 0.8,
        name === 'flow_grpo' ? {} : { 'actor/kl_new_old_mean': 0.32, 'actor/masked_fraction': 0.5 },
      ] as (typeof REFERENCE)[number],
  ),
  [
    'around its clip range',
    'flow_grpo',
    () => ({
      log_probs: tf.tensor1d([5e-5, -5e-5, 3e-4, -3e-4]),
      old_log_probs: tf.zeros([4]),
      advantages: tf.tensor1d([1, -1, 0.5, -2]),
    }),
    {},
    0.3749125,
    {},
  ],
  [
    'at one step',
    'grpo_guard',
    () => ({
      log_probs: tf.tensor1d([0.01, -0.02, 0, 0.03]),
      old_log_probs: tf.zeros([4]),
      advantages: tf.tensor1d([1, -1, 0.5, -2]),
      prev_sample_mean: tf.fill([4, 2, 2], 0.01),
      old_prev_sample_mean: tf.zeros([4, 2, 2]),
      std_dev_t: tf.fill([4, 1, 1], 0.5),
      sqrt_dt: tf.fill([4], 0.3),
    }),
    { clip_ratio: 2e-6 },
    4.1935692,
    { 'actor/ratio_mean': 1.0010875 },
  ],
  [
    'of means 2 apart',
    'kl',
    () => ({
      prev_sample_mean: tf.fill([2, 3, 4], 2),
      ref_prev_sample_mean: tf.zeros([2, 3, 4]),
      std_dev_t: tf.fill([2, 1, 1], 0.5),
    }),
    {},
    8,
    { 'actor/kl_loss': 8 },
  ],
  [
    'of velocities 3 apart',
    'distill_fm_mse',
    () => ({ noise_pred: tf.fill([2, 3], 3), teacher_noise_pred: tf.zeros([2, 3]) }),
    {},
    9,
    {},
  ],
  [
    'on two pairs',
    'dpo',
    () => ({
      noise: tf.tensor2d([1, 2, 1, 2, 0, -1, 0, -1], [4, 2]),
      latents_clean: tf.tensor2d([0.5, 0.5, 0, 1, 0.2, 0.1, -0.3, 0.4], [4, 2]),
      noise_pred: tf.tensor2d([0.4, 1.4, 1.2, 0.8, -0.1, -1, 0.2, -1.3], [4, 2]),
      ref_noise_pred: tf.tensor2d([0.3, 1.3, 1.1, 0.9, -0.2, -1.2, 0.3, -1.2], [4, 2]),
      sample_level_rewards: tf.tensor1d([1, 0, 1, 0.5]),
    }),
    { dpo_beta: 100 },
    0.5927289,
    { 'actor/implicit_acc': 0.5, 'rewards/margins': 1.125 },
  ],
];

for (const [title, name, inputs, config, expected, expectedMetrics] of REFERENCE) {
  describe(`computeLoss('${name}') ${title}`, () => {
    test('gives the figures of the reference', () => {
      const { loss, metrics } = computeLoss(name, inputs(), config);
      near(read(loss), expected, 1e-5);
      for (const [key, value] of Object.entries(expectedMetrics)) {
        near(read(metrics[key]), value, 1e-5);
      }
    });
  });
}

describe("computeLoss('grpo_guard')", () => {
  test("takes each row's own step, and batch means in compat 'verl-omni'", () => {
    const guard = (inputs: LossInputs, compat: 'verl-omni' | null) =>
      read(computeLoss('grpo_guard', inputs, { compat, clip_ratio: 0.2 }).loss);
    const same = someInputs(2);
    near(guard(same, null), guard(same, 'verl-omni'));
    const mixed = {
      ...same,
      std_dev_t: tf.tensor3d([[[0.2]], [[2]]]),
      sqrt_dt: tf.tensor1d([0.1, 0.6]),
    };
    const rowOf = (at: number) =>
      Object.fromEntries(Object.entries(mixed).map(([key, value]) => [key, value.slice(at, 1)]));
    near(guard(mixed, null), (guard(rowOf(0), null) + guard(rowOf(1), null)) / 2);
    assert.ok(Math.abs(guard(mixed, null) - guard(mixed, 'verl-omni')) > 1e-2);
  });
});

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

describe('computeLoss() of one row', () => {
  test("reports no spread of its ratio, and NaN in compat 'verl-omni'", () => {
    const spread = (name: string, compat: 'verl-omni' | null) =>
      read(computeLoss(name, someInputs(1), { compat }).metrics['actor/ratio_std']);
    for (const name of ['flow_grpo', 'grpo_guard']) {
      assert.deepEqual([spread(name, null), spread(name, 'verl-omni')], [0, NaN]);
    }
    assert.equal(spread('flow_dppo', 'verl-omni'), 0);
  });
});

describe("computeLoss('diffusion_nft')", () => {
  test('grows with adv_clip_max / mix_beta where the policy is the old one', () => {
    const inputs = someInputs();
    const same = { ...inputs, forward_prediction: inputs.old_prediction };
    const policyLoss = (config: Partial<LossConfig>) =>
      read(computeLoss('diffusion_nft', same, config).metrics['actor/policy_loss']);
    const unit = policyLoss({ mix_beta: 1, adv_clip_max: 1 });
    assert.ok(unit > 0);
    near(policyLoss({ mix_beta: 0.25, adv_clip_max: 3 }), 12 * unit);
  });
});

describe("computeLoss('dpo')", () => {
  test('is ln 2 when the model is the reference', () => {
    const inputs = someInputs();
    near(read(computeLoss('dpo', { ...inputs, ref_noise_pred: inputs.noise_pred }).loss), Math.LN2);
  });

  test('refuses half a pair and a pair in the wrong order', () => {
    assert.throws(() => computeLoss('dpo', someInputs(3)), {
      message:
        'Cannot compute loss "dpo" as rows must be (chosen, rejected) pairs: there are 3 rows',
    });
    const rewards = tf.tensor1d([1, 0, 0.25, 0.5]);
    assert.throws(() => computeLoss('dpo', { ...someInputs(), sample_level_rewards: rewards }), {
      message:
        'Cannot compute loss "dpo" as a chosen row must score at least its rejected one: rows 2 and 3 score 0.25 and 0.5',
    });
  });
});

describe('lossGradients()', () => {
  it('gives gradients by name and metrics on demand, and dispose() frees all', () => {
    const inputs = someInputs();
    const variables = new Map([
      ['shift', tf.variable(tf.scalar(0.5))],
      ['unused', tf.variable(tf.scalar(1))],
    ]);
    const before = tf.memory().numTensors;
    const compute = () =>
      computeLoss('flow_grpo', {
        ...inputs,
        log_probs: inputs.log_probs.add(variables.get('shift') as tf.Variable),
      });
    const { gradients, readMetrics, dispose } = lossGradients(compute, variables);
    assert.deepEqual([...gradients.keys()], ['shift']);
    const { loss, ...metrics } = readMetrics();
    assert.ok(Number.isFinite(loss));
    assert.equal(Object.keys(metrics).length, 6);
    dispose();
    assert.equal(tf.memory().numTensors, before);
    tf.dispose([...variables.values()]);
    tf.dispose(inputs);
  });

  it('throws what the loss throws, and leaks nothing then', () => {
    const x = tf.variable(tf.tensor1d([1, 2]));
    const before = tf.memory().numTensors;
    const compute = () => {
      x.square().sum().sqrt();
      throw new RangeError('the loss is wrong');
    };
    assert.throws(() => lossGradients(compute, new Map([['x', x]])), {
      name: 'RangeError',
      message: 'the loss is wrong',
    });
    assert.equal(tf.memory().numTensors, before);
    x.dispose();
  });
});
