import { stopGradient, tf } from '../tensorflow';
import { meanPerRow } from './clipped-surrogate';
import type { Loss } from './loss';

/**
 * Diffusion-NFT (https://arxiv.org/abs/2509.16117): pulls the velocity towards good samples and pushes it away from bad
 * ones on the forward process, with tau = t / 1000 and x_t = (1 - tau) x0 + tau epsilon.
 *
 *   v+ = beta v + (1 - beta) v_old,  v- = (1 + beta) v_old - beta v,  x0+- = x_t - tau v+-
 *   l+- = mean((x0+- - x0)^2 / weight+-),  weight+- = max(mean|x0+- - x0|, least), a constant
 *   L = mean(M (p l+ + (1 - p) l-) / beta) + refKlCoef mean((v - v_ref)^2)
 *
 * p is `reward_prob` (B), see `rewardProbability`; M is `adv_clip_max`.
 */
export const diffusionNftLoss: Loss = {
  requiredInputs: ['x0', 'xt', 't_expanded', 'forward_prediction', 'old_prediction', 'reward_prob'],
  optionalInputs: ['ref_forward_prediction'],
  ownSettings: [],
  compute(inputs, { mix_beta: beta, adv_clip_max: M, ...config }) {
    const { x0, xt, t_expanded: tau, reward_prob: p } = inputs;
    const v = inputs.forward_prediction;
    const old = inputs.old_prediction;
    const rowLoss = (velocity: tf.Tensor) => {
      const error = tf.sub(tf.sub(xt, tf.mul(tau, velocity)), x0);
      const scale = tf.maximum(meanPerRow(tf.abs(error)), config.adaptive_weight_min);
      return tf.div(meanPerRow(tf.square(error)), stopGradient(scale));
    };
    const positive = rowLoss(tf.add(tf.mul(v, beta), tf.mul(old, 1 - beta)));
    const negative = rowLoss(tf.sub(tf.mul(old, 1 + beta), tf.mul(v, beta)));
    const mixed = tf.add(tf.mul(p, positive), tf.mul(tf.sub(1, p), negative));
    const policyLoss: tf.Scalar = tf.mean(tf.mul(mixed, M / beta));
    const reference = inputs.ref_forward_prediction;
    const refKl: tf.Scalar = reference ? tf.mean(tf.squaredDifference(v, reference)) : tf.scalar(0);
    const loss: tf.Scalar = tf.add(policyLoss, tf.mul(refKl, config.ref_kl_coef));
    return {
      loss,
      metrics: {
        'actor/policy_loss': policyLoss,
        'actor/positive_loss': tf.mean(positive),
        'actor/negative_loss': tf.mean(negative),
        'actor/ref_kl_loss': refKl,
        'actor/old_deviate': tf.mean(tf.squaredDifference(v, old)),
        'actor/reward_prob_mean': tf.mean(p),
        'actor/total_loss': loss.clone(),
      },
    };
  },
};
