import { tf } from '../tensorflow';
import type { LossConfig } from './loss-config';

/** Advantages within +- adv_clip_max, (B). */
export function clampAdvantages(
  advantages: tf.Tensor,
  { adv_clip_max: max }: LossConfig,
): tf.Tensor {
  return tf.clipByValue(advantages, -max, max);
}

/**
 * PPO's clipped objective of each row: w max(-A ratio, -A clip(ratio, 1 - c, 1 + c)).
 *
 * @param weights Importance weights of the rollout (B), or undefined for 1.
 * @returns (B).
 */
export function clippedSurrogate(
  ratio: tf.Tensor,
  advantages: tf.Tensor,
  weights: tf.Tensor | undefined,
  { clip_ratio: c }: LossConfig,
): tf.Tensor {
  const clipped = tf.clipByValue(ratio, 1 - c, 1 + c);
  const gain = tf.neg(advantages);
  const row = tf.maximum(tf.mul(gain, ratio), tf.mul(gain, clipped));
  return weights ? tf.mul(row, weights) : row;
}

/** How far the policy moved, and how much of it the clip cut off. */
export function ratioMetrics(
  ratio: tf.Tensor,
  logRatio: tf.Tensor,
  { clip_ratio: c, compat }: LossConfig,
): Record<string, tf.Scalar> {
  const higher = fraction(tf.greater(tf.sub(ratio, 1), c));
  const lower = fraction(tf.greater(tf.sub(1, ratio), c));
  return {
    'actor/ppo_kl': tf.mean(tf.neg(logRatio)),
    'actor/pg_clipfrac': tf.add(higher, lower),
    'actor/pg_clipfrac_higher': higher,
    'actor/pg_clipfrac_lower': lower,
    'actor/ratio_mean': tf.mean(ratio),
    // One ratio has no spread; upstream reports NaN for it.
    'actor/ratio_std': standardDeviation(ratio, ratio.size > 1 || compat === 'verl-omni' ? 1 : 0),
  };
}

/** Share of true values. */
export function fraction(condition: tf.Tensor): tf.Scalar {
  return tf.mean(tf.cast(condition, 'float32'));
}

/** Standard deviation with n - ddof below the line; NaN when that is 0. */
export function standardDeviation(values: tf.Tensor, ddof: 0 | 1): tf.Scalar {
  const sum = tf.sum(tf.squaredDifference(values, tf.mean(values)));
  return tf.sqrt(tf.div<tf.Scalar>(sum, values.size - ddof));
}

/** Mean over all axes but the first: (B, ...) to (B). */
export function meanPerRow(values: tf.Tensor): tf.Tensor {
  return tf.mean(
    values,
    Array.from({ length: values.rank - 1 }, (_, axis) => axis + 1),
  );
}
