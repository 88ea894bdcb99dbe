import { computeLoss, type LossConfig, type LossInputs } from '../../../sdk/src/losses';
import { tf } from '../../../sdk/src/tensorflow';
import { near, read, test } from './some-inputs';

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
