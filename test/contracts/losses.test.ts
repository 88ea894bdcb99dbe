import assert from 'node:assert/strict';
import { computeLoss, lossGradients, losses, tf, type Loss, type LossConfig } from '@flowbook/sdk';
import { registerDocumentedParts, unregisterDocumentedParts } from '../examples/all-examples';
import { normal } from '../sdk/models/check-gradient';
import { every } from './every';

const B = 6;
const ROW = [3, 2];

/** Inputs of every loss, by verl-omni's batch fields: rows of a batch, far from the kinks of clips and masks. */
function makeInputs(): Record<string, tf.Tensor> {
  const rows = (name: string, scale = 1) => normal(name, [B]).mul(scale);
  const samples = (name: string) => normal(name, [B, ...ROW]);
  const positive = (name: string, shape: number[]) => normal(name, shape).abs().add(0.3);
  return {
    log_probs: rows('log_probs', 0.05),
    old_log_probs: rows('old_log_probs', 0.05),
    advantages: rows('advantages'),
    rollout_is_weights: positive('weights', [B]),
    prev_sample_mean: samples('mean'),
    old_prev_sample_mean: samples('old mean'),
    ref_prev_sample_mean: samples('reference mean'),
    teacher_prev_sample_mean: samples('teacher mean'),
    std_dev_t: positive('std', [B, 1, 1]),
    sqrt_dt: positive('sqrt_dt', [B]),
    noise_pred: samples('prediction'),
    ref_noise_pred: samples('reference prediction'),
    teacher_noise_pred: samples('teacher prediction'),
    latents_clean: samples('clean'),
    noise: samples('noise'),
    sample_level_rewards: tf.tensor1d([1, 0, 3, 2, 2, 2]),
    x0: samples('x0'),
    xt: samples('xt'),
    t_expanded: positive('t', [B, 1, 1]).div(4),
    forward_prediction: samples('forward'),
    old_prediction: samples('old forward'),
    ref_forward_prediction: samples('reference forward'),
    reward_prob: tf.sigmoid(rows('reward')) as tf.Tensor,
  };
}

/** What a model computed: gradients flow to these. */
const MODEL_OUTPUTS = ['log_probs', 'prev_sample_mean', 'noise_pred', 'forward_prediction'];

const SETTINGS: Partial<LossConfig> = {
  clip_ratio: 0.9,
  dpo_beta: 1,
  ref_kl_coef: 0.3,
  kl_mask_threshold: 100,
};

/** Settings under which a loss is smooth. */
const SMOOTH: Record<string, Partial<LossConfig>> = {
  // The adaptive weight is a constant to gradients; at its least value it is one to finite differences as well.
  diffusion_nft: { adaptive_weight_min: 100 },
};

/** The declared inputs, and nothing else. */
function inputsOf(name: string): Record<string, tf.Tensor> {
  const all = makeInputs();
  const { requiredInputs, optionalInputs } = losses.get(name);
  return Object.fromEntries(
    [...requiredInputs, ...optionalInputs].map((key) => {
      assert.ok(all[key], `makeInputs() has no "${key}"`);
      return [key, all[key]];
    }),
  );
}

const compute = (name: string, inputs: Record<string, tf.Tensor>) =>
  computeLoss(name, inputs, { ...SETTINGS, ...SMOOTH[name] });

const value = (name: string, inputs: Record<string, tf.Tensor>) =>
  compute(name, inputs).loss.dataSync()[0];

/** Some rows of every input. */
const take = (inputs: Record<string, tf.Tensor>, rows: number[]) =>
  Object.fromEntries(
    Object.entries(inputs).map(([key, x]) => [key, tf.gather(x, tf.tensor1d(rows, 'int32'))]),
  );

const near = (actual: number, expected: number, tolerance = 1e-5) =>
  assert.ok(
    Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected)),
    `${actual} is not ${expected}`,
  );

describe('losses contract', function () {
  this.timeout(300_000);
  before(registerDocumentedParts);
  after(unregisterDocumentedParts);
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());

  it('every loss refuses to go without a declared input, and names it with what is there', () =>
    every(losses.names(), (name) => {
      const inputs = inputsOf(name);
      for (const missing of losses.get(name).requiredInputs) {
        const rest = Object.fromEntries(Object.entries(inputs).filter(([key]) => key !== missing));
        assert.throws(() => compute(name, rest), {
          message: `Cannot compute loss "${name}" as inputs are missing: ${missing}; available are ${Object.keys(rest).join(', ') || 'none'}`,
        });
      }
    }));

  it('every loss reads the inputs that it declares, all that it requires and no other', () =>
    every(losses.names(), (name) => {
      const loss = losses.get(name);
      const { requiredInputs, optionalInputs } = loss;
      const read = new Set<string>();
      const watch = (inputs: Record<string, tf.Tensor>) =>
        new Proxy(inputs, { get: (target, key: string) => (read.add(key), target[key]) });
      const watched: Loss = {
        ...loss,
        compute: (inputs, config) => loss.compute(watch(inputs), config),
      };
      losses.register(name, watched, { replace: true });
      try {
        compute(name, makeInputs());
      } finally {
        losses.register(name, loss, { replace: true });
      }
      const declared = [...requiredInputs, ...optionalInputs];
      assert.deepEqual(
        [...read].filter((key) => !declared.includes(key)),
        [],
      );
      assert.deepEqual(
        requiredInputs.filter((key) => !read.has(key)),
        [],
      );
    }));

  it('every loss has the gradient that finite differences have', () =>
    every(losses.names(), (name) => {
      const inputs = inputsOf(name);
      const outputs = MODEL_OUTPUTS.filter((key) => key in inputs);
      const variables = new Map(outputs.map((key) => [key, tf.variable(inputs[key])]));
      const { gradients, dispose } = lossGradients(
        () => compute(name, { ...inputs, ...Object.fromEntries(variables) }),
        variables,
      );
      assert.ok(gradients.size > 0, 'some input has a gradient');
      for (const key of outputs) {
        const direction = normal(`direction ${key}`, inputs[key].shape);
        const moved = (h: number) =>
          value(name, { ...inputs, [key]: inputs[key].add(direction.mul(h)) });
        const expected = (moved(1e-2) - moved(-1e-2)) / 2e-2;
        // Without a gradient, as an input of a mask alone, the loss must not move either.
        const gradient = gradients.get(key) ?? tf.zerosLike(direction);
        near(tf.sum(tf.mul(gradient, direction)).dataSync()[0], expected, 3e-3);
      }
      dispose();
      tf.dispose([...variables.values()]);
    }));

  it('every loss and its metrics are finite scalars under names of verl-omni', () =>
    every(losses.names(), (name) => {
      const { loss, metrics } = compute(name, inputsOf(name));
      assert.ok(Object.keys(metrics).length > 0);
      for (const [key, scalar] of [...Object.entries(metrics), ['actor/loss', loss] as const]) {
        assert.match(key, /^(actor|rewards)\/[a-z_]+$/);
        assert.deepEqual(scalar.shape, []);
        assert.ok(Number.isFinite(scalar.dataSync()[0]), key);
      }
    }));

  it('every loss leaves no tensor but its results', () =>
    every(losses.names(), (name) => {
      const inputs = inputsOf(name);
      const before = tf.memory().numTensors;
      const { loss, metrics } = compute(name, inputs);
      assert.equal(tf.memory().numTensors, before + 1 + Object.keys(metrics).length);
      tf.dispose([loss, ...Object.values(metrics)]);
    }));

  it('every loss is the same for its rows, or pairs of rows, in any order', () =>
    every(losses.names(), (name) => {
      const inputs = inputsOf(name);
      near(value(name, take(inputs, [4, 5, 0, 1, 2, 3])), value(name, inputs));
    }));

  it('every loss is the mean of the losses of its micro-batches', () =>
    every(losses.names(), (name) => {
      const inputs = inputsOf(name);
      const parts = [
        [0, 1],
        [2, 3],
        [4, 5],
      ].map((rows) => value(name, take(inputs, rows)));
      near(parts.reduce((sum, part) => sum + part, 0) / 3, value(name, inputs));
    }));
});
