import { stopGradient, tf } from '../tensorflow';
import { fraction, meanPerRow, standardDeviation } from './clipped-surrogate';
import type { Loss } from './loss';
import { overWidth, stepWidth } from './step-width';

/**
 * Flow-DPPO: instead of clipping ratios, drops rows that have left the trust region and would move further out.
 *
 *   KL   = mean((mean - oldMean)^2) / (2 k^2),  k = std sqrt(dt)     (or / 2 without `add_kl_coefficient`)
 *   drop = KL >= threshold and ((ratio > 1 and A > 0) or (ratio < 1 and A < 0))
 *   L    = mean(keep (-A ratio) w),  dropped rows stay in the mean
 *
 * Advantages are not clamped. k is the width of the step's noise: `std_dev_t` itself where that holds sqrt(dt)
 * (`std_holds_dt`). A step without noise drew nothing to learn from, so its row is dropped. `compat: 'verl-omni'` takes
 * std sqrt(dt) always, and an infinite KL without noise.
 */
export const flowDppoLoss: Loss = {
  requiredInputs: [
    'log_probs',
    'old_log_probs',
    'advantages',
    'prev_sample_mean',
    'old_prev_sample_mean',
    'std_dev_t',
    'sqrt_dt',
  ],
  optionalInputs: ['rollout_is_weights'],
  ownSettings: [],
  compute(inputs, config) {
    const A = inputs.advantages;
    const logRatio = tf.sub(inputs.log_probs, inputs.old_log_probs);
    const ratio = tf.exp(logRatio);
    const distance = stopGradient(
      meanPerRow(tf.squaredDifference(inputs.prev_sample_mean, inputs.old_prev_sample_mean)),
    );
    const width = stepWidth(inputs, config);
    const kl = config.add_kl_coefficient
      ? overWidth(distance, tf.mul(2, tf.square(width)), config)
      : tf.div(distance, 2);
    const moved = stopGradient(ratio);
    const outside = tf.greaterEqual(kl, config.kl_mask_threshold);
    const higher = tf.logicalAnd(tf.greater(moved, 1), tf.greater(A, 0));
    const lower = tf.logicalAnd(tf.less(moved, 1), tf.less(A, 0));
    const away = tf.logicalAnd(outside, tf.logicalOr(higher, lower));
    const drop = config.compat === null ? tf.logicalOr(away, tf.equal(width, 0)) : away;
    const keep = tf.cast(tf.logicalNot(drop), 'float32');
    const row = tf.where(drop, tf.zerosLike(ratio), tf.mul(tf.neg(A), ratio));
    const weights = inputs.rollout_is_weights;
    return {
      loss: tf.mean(weights ? tf.mul(row, weights) : row),
      metrics: {
        'actor/ppo_kl': tf.mean(tf.neg(logRatio)),
        'actor/approx_kl': tf.mul(tf.mean(tf.square(logRatio)), 0.5),
        'actor/ratio_mean': tf.mean(ratio),
        'actor/ratio_std': standardDeviation(ratio, 0),
        'actor/ratio_min': tf.min(ratio),
        'actor/ratio_max': tf.max(ratio),
        'actor/kl_new_old_mean': tf.mean(kl),
        'actor/kl_new_old_max': tf.max(kl),
        'actor/kl_mask_fraction': fraction(outside),
        'actor/pos_rm_fraction': fraction(tf.logicalAnd(outside, higher)),
        'actor/neg_rm_fraction': fraction(tf.logicalAnd(outside, lower)),
        'actor/masked_fraction': fraction(drop),
        'actor/unmasked_fraction': tf.mean(keep),
      },
    };
  },
};
