import { tf } from '../tensorflow';
import { clampAdvantages, clippedSurrogate, ratioMetrics } from './clipped-surrogate';
import type { Loss } from './loss';

/**
 * FlowGRPO's loss of one denoising step (https://arxiv.org/abs/2505.05470, equation 5); DanceGRPO uses the same.
 *
 *   ratio = exp(logProb - oldLogProb),  L = mean(w max(-A ratio, -A clip(ratio, 1 - c, 1 + c)))
 *
 * Before the first update the ratio is 1, L = -mean(A), and its gradient is the policy gradient.
 */
export const flowGrpoLoss: Loss = {
  requiredInputs: ['log_probs', 'old_log_probs', 'advantages'],
  optionalInputs: ['rollout_is_weights'],
  ownSettings: [],
  compute({ log_probs, old_log_probs, advantages, rollout_is_weights }, config) {
    const logRatio = tf.sub(log_probs, old_log_probs);
    const ratio = tf.exp(logRatio);
    const A = clampAdvantages(advantages, config);
    return {
      loss: tf.mean(clippedSurrogate(ratio, A, rollout_is_weights, config)),
      metrics: ratioMetrics(ratio, logRatio, config),
    };
  },
};
