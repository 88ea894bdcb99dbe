import { tf } from '../tensorflow';
import { clampAdvantages, clippedSurrogate, meanPerRow, ratioMetrics } from './clipped-surrogate';
import type { Loss } from './loss';
import { overWidth, stepWidth } from './step-width';

/**
 * GRPO-Guard (https://arxiv.org/abs/2510.22319): FlowGRPO with ratios that are centred and equally wide at every step.
 *
 *   k     = the step's width, std sqrt(dt),  b = mean((mean - oldMean)^2) / (2 k^2)
 *   ratio = exp((logProb - oldLogProb + b) k),  L = mean(w max(...) / dt)
 *
 * k and dt are each row's own. Where `std_dev_t` holds sqrt(dt) it is k itself (`std_holds_dt`), and log-probabilities
 * that leave the variance out (`log_prob_holds_variance` false) are divided by 2 k^2, so that the ratio is the same for
 * the same Gaussian step whatever the transition reports. A step without noise has ratio 1.
 *
 * verl-omni takes the batch means of std and sqrt(dt), which is wrong when rows are at different steps, and the 'sde'
 * formula for every transition: `compat: 'verl-omni'` gives that.
 */
export const grpoGuardLoss: Loss = {
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
    const asUpstream = config.compat === 'verl-omni';
    const sqrtDt = asUpstream ? tf.mean(inputs.sqrt_dt) : tf.reshape(inputs.sqrt_dt, [-1]);
    const std = asUpstream ? tf.mean(inputs.std_dev_t) : inputs.std_dev_t;
    const k = stepWidth({ std_dev_t: std, sqrt_dt: sqrtDt }, config);
    const twiceVariance = tf.mul(2, tf.square(k));
    const logRatio = tf.sub(inputs.log_probs, inputs.old_log_probs);
    const distance = meanPerRow(
      tf.squaredDifference(inputs.prev_sample_mean, inputs.old_prev_sample_mean),
    );
    const b = overWidth(distance, twiceVariance, config);
    const gaussian =
      config.log_prob_holds_variance || asUpstream
        ? logRatio
        : overWidth(logRatio, twiceVariance, config);
    const ratio = tf.exp(tf.mul(tf.add(gaussian, b), k));
    const A = clampAdvantages(inputs.advantages, config);
    const surrogate = clippedSurrogate(ratio, A, inputs.rollout_is_weights, config);
    return {
      loss: tf.mean(tf.div(surrogate, tf.square(sqrtDt))),
      metrics: ratioMetrics(ratio, logRatio, config),
    };
  },
};
