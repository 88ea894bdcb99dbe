import { tf } from '../tensorflow';
import type { Loss } from './loss';

/** Mean squared difference of the model's velocity from a teacher's. */
export const distillFmMseLoss: Loss = {
  requiredInputs: ['noise_pred', 'teacher_noise_pred'],
  optionalInputs: [],
  ownSettings: [],
  compute({ noise_pred, teacher_noise_pred }) {
    const loss: tf.Scalar = tf.mean(tf.squaredDifference(noise_pred, teacher_noise_pred));
    return { loss, metrics: { 'actor/distill_fm_mse_loss': loss.clone() } };
  },
};
