import { tf } from '../tensorflow';
import { clampAdvantages, clippedSurrogate, meanPerRow, ratioMetrics } from './clipped-surrogate';
import type { Loss } from './loss';

/**
 * GRPO-Guard (https://arxiv.org/abs/2510.22319): FlowGRPO with ratios that are centred and equally wide at every step.
 *
 *   k     = std sqrt(dt),  b = mean((mean - oldMean)^2) / (2 k^2)
 *   ratio = exp((logProb - oldLogProb + b) k),  L = mean(w max(...) / dt)
 *
 * k and dt are each row's own. verl-omni takes their batch means, which is wrong when rows are at different steps:
 * `compat: 'verl-omni'` gives that. `std_dev_t` must be the 'sde' transition's, which leaves sqrt(dt) out.
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
  compute(inputs, config) {
    const rowwise = (values: tf.Tensor) =>
      config.compat === 'verl-omni' ? tf.mean(values) : tf.reshape(values, [-1]);
    const sqrtDt = rowwise(inputs.sqrt_dt);
    const k = tf.mul(rowwise(inputs.std_dev_t), sqrtDt);
    const logRatio = tf.sub(inputs.log_probs, inputs.old_log_probs);
    const distance = meanPerRow(
      tf.squaredDifference(inputs.prev_sample_mean, inputs.old_prev_sample_mean),
    );
    const b = tf.div(distance, tf.mul(2, tf.square(k)));
    const ratio = tf.exp(tf.mul(tf.add(logRatio, b), k));
    const A = clampAdvantages(inputs.advantages, config);
    const surrogate = clippedSurrogate(ratio, A, inputs.rollout_is_weights, config);
    return {
      loss: tf.mean(tf.div(surrogate, tf.square(sqrtDt))),
      metrics: ratioMetrics(ratio, logRatio, config),
    };
  },
};
