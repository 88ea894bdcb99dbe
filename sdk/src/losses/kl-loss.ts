import { tf } from '../tensorflow';
import { meanPerRow } from './clipped-surrogate';
import type { Loss } from './loss';

/** KL between two Gaussian steps of equal width: mean((mean - otherMean)^2 / (2 std^2)); dt is left out, as upstream. */
function stepKl(other: string, metric: string): Loss {
  return {
    requiredInputs: ['prev_sample_mean', other, 'std_dev_t'],
    optionalInputs: [],
    compute(inputs) {
      const distance = meanPerRow(tf.squaredDifference(inputs.prev_sample_mean, inputs[other]));
      const std = tf.reshape(inputs.std_dev_t, [-1]);
      const loss: tf.Scalar = tf.mean(tf.div(distance, tf.mul(2, tf.square(std))));
      return { loss, metrics: { [metric]: loss.clone() } };
    },
  };
}

/** Distance of the policy's step from the reference model's (https://arxiv.org/abs/2505.05470, section 4.2). */
export const klLoss: Loss = stepKl('ref_prev_sample_mean', 'actor/kl_loss');

/** Distance of the policy's step from a teacher's. */
export const distillKlLoss: Loss = stepKl('teacher_prev_sample_mean', 'actor/distill_kl_loss');
