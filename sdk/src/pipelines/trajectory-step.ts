import { tf } from '../tensorflow';

/**
 * x[:, step] of a trajectory (B, T, ...).
 *
 * @throws When the trajectory has no such step.
 *
 * @example
 * trajectoryStep(tf.tensor2d([[900, 800]]), 1); // [800]
 */
export function trajectoryStep<Rank extends tf.Tensor>(x: tf.Tensor, step: number): Rank {
  const [, T = 0] = x.shape;
  if (!(Number.isInteger(step) && step >= 0 && step < T)) {
    throw new Error(
      `Cannot select a step of a trajectory as it must be a whole number from 0 to ${T - 1}: current value is ${step}`,
    );
  }
  return tf.gather(x, step, 1) as Rank;
}
