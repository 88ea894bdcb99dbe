import assert from 'node:assert/strict';
import { tf } from '../../../sdk/src/tensorflow';

/** A test that leaves no tensors. */
export const test = (title: string, body: () => void) => it(title, () => void tf.tidy(body));
/** A scalar's value. */
export const read = (tensor: tf.Tensor) => tensor.dataSync()[0];
/** Equal but for rounding. */
export const near = (actual: number, expected: number, tolerance = 2e-6) =>
  assert.ok(
    Math.abs(actual - expected) <= tolerance * (1 + Math.abs(expected)),
    `${actual} is not ${expected}`,
  );

/** Inputs for every loss; rows are at the same step. */
export function someInputs(B = 4): Record<string, tf.Tensor> {
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
