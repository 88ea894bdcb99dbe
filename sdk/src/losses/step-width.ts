import { tf } from '../tensorflow';
import type { LossConfig } from './loss-config';

/**
 * Standard deviation of the noise that each row's step adds: `std_dev_t` where it holds sqrt(dt) already, else
 * `std_dev_t` sqrt(dt). It is 0 for a step without noise, as the last one of 'cps'.
 *
 * `compat: 'verl-omni'` multiplies whatever `std_dev_t` is.
 *
 * @returns (B).
 */
export function stepWidth(
  { std_dev_t, sqrt_dt }: Record<string, tf.Tensor>,
  { std_holds_dt, compat }: LossConfig,
): tf.Tensor {
  const std = tf.reshape(std_dev_t, [-1]);
  return std_holds_dt && compat === null ? std : tf.mul(std, sqrt_dt);
}

/**
 * A quotient that is 0 where the divisor is: a step without noise has no density, so nothing is compared there.
 * Gradients are 0 there as well. `compat: 'verl-omni'` divides by zero.
 *
 * @param divisor A constant.
 */
export function overWidth(value: tf.Tensor, divisor: tf.Tensor, { compat }: LossConfig): tf.Tensor {
  if (compat === 'verl-omni') return tf.div(value, divisor);
  const noisy = tf.cast(tf.notEqual(divisor, 0), 'float32');
  return tf.div(tf.mul(value, noisy), tf.add(divisor, tf.sub(1, noisy)));
}
