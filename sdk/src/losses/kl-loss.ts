import { tf } from '../tensorflow';
import { meanPerRow } from './clipped-surrogate';
import type { Loss } from './loss';
import { overWidth } from './step-width';

/**
 * KL between two Gaussian steps of equal width, a unit of time: mean((mean - otherMean)^2 / (2 g^2)), where g is the
 * diffusion coefficient, the step's width without sqrt(dt). Under 'sde' that is `std_dev_t` itself.
 *
 * Where `std_dev_t` holds sqrt(dt) (`std_holds_dt`), g = std_dev_t / sqrt(dt), and a step without noise counts 0.
 * `compat: 'verl-omni'` takes `std_dev_t` for g always: too large by 1 / dt, and infinite without noise.
 */
function stepKl(other: string, metric: string): Loss {
  return {
    requiredInputs: ['prev_sample_mean', other, 'std_dev_t'],
    optionalInputs: ['sqrt_dt'],
    ownSettings: [],
    furtherInputs: ({ std_holds_dt, compat }) =>
      std_holds_dt && compat === null ? ['sqrt_dt'] : [],
    compute(inputs, config) {
      const distance = meanPerRow(tf.squaredDifference(inputs.prev_sample_mean, inputs[other]));
      const variance = tf.square(tf.reshape(inputs.std_dev_t, [-1]));
      const perStep = overWidth(distance, tf.mul(2, variance), config);
      const holdsDt = config.std_holds_dt && config.compat === null;
      const perTime = holdsDt ? tf.mul(perStep, tf.square(inputs.sqrt_dt)) : perStep;
      const loss: tf.Scalar = tf.mean(perTime);
      return { loss, metrics: { [metric]: loss.clone() } };
    },
  };
}

/** Distance of the policy's step from the reference model's (https://arxiv.org/abs/2505.05470, section 4). */
export const klLoss: Loss = stepKl('ref_prev_sample_mean', 'actor/kl_loss');

/** Distance of the policy's step from a teacher's. */
export const distillKlLoss: Loss = stepKl('teacher_prev_sample_mean', 'actor/distill_kl_loss');
