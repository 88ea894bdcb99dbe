import { tf } from '../tensorflow';
import { fraction, meanPerRow } from './clipped-surrogate';
import type { Loss } from './loss';

/**
 * Diffusion-DPO (https://arxiv.org/abs/2311.12908) on rows [chosen 0, rejected 0, chosen 1, ...] that share noise and
 * timestep within a pair. With e = mean((prediction - (noise - x0))^2):
 *
 *   z = -(beta / 2) ((e_w - e_w^ref) - (e_l - e_l^ref)),  L = -mean(ln sigmoid(z))
 */
export const dpoLoss: Loss = {
  requiredInputs: ['noise_pred', 'ref_noise_pred', 'latents_clean', 'noise'],
  optionalInputs: ['sample_level_rewards'],
  ownSettings: [],
  compute(inputs, { dpo_beta: beta }) {
    const [B] = inputs.noise_pred.shape;
    if (B % 2 !== 0 || B === 0) {
      throw new Error(
        `Cannot compute loss "dpo" as rows must be (chosen, rejected) pairs: there are ${B} rows`,
      );
    }
    if (inputs.sample_level_rewards) checkOrder(inputs.sample_level_rewards, B);
    const target = tf.sub(inputs.noise, inputs.latents_clean);
    const error = (prediction: tf.Tensor) => meanPerRow(tf.squaredDifference(prediction, target));
    const excess = tf.sub(error(inputs.noise_pred), error(inputs.ref_noise_pred));
    const [chosen, rejected] = tf.unstack(tf.reshape(tf.mul(excess, -beta / 2), [B / 2, 2]), 1);
    const margin = tf.sub(chosen, rejected);
    const loss: tf.Scalar = tf.neg(tf.mean<tf.Scalar>(tf.logSigmoid(margin)));
    return {
      loss,
      metrics: {
        'actor/dpo_loss': loss.clone(),
        'actor/implicit_acc': fraction(tf.greater(margin, 0)),
        'rewards/chosen': tf.mean(chosen),
        'rewards/rejected': tf.mean(rejected),
        'rewards/margins': tf.mean(margin),
      },
    };
  },
};

function checkOrder(rewards: tf.Tensor, B: number): void {
  if (rewards.size !== B) {
    throw new Error(
      `Cannot compute loss "dpo" as sample_level_rewards must hold one score a row (${B}): its shape is [${rewards.shape}]`,
    );
  }
  const scores = rewards.dataSync();
  for (let row = 0; row < scores.length; row += 2) {
    if (!(scores[row] >= scores[row + 1])) {
      throw new Error(
        `Cannot compute loss "dpo" as a chosen row must score at least its rejected one: rows ${row} and ${row + 1} score ${scores[row]} and ${scores[row + 1]}`,
      );
    }
  }
}
