import { tf } from '../../tensorflow';

/** What an encoder says of a picture's latents: a normal distribution for each value. */
export interface LatentDistribution<Latents extends tf.Tensor = tf.Tensor> {
  /** In the layout of latents. */
  mean: Latents;
  /** Logarithm of the variance, kept within -30 to 20; same shape. */
  logvar: Latents;
}

/**
 * An encoder's result (B, 2 C, h, w) -> mean and logvar, (B, C, h, w) each.
 *
 * @param axis The channels'. Default 1.
 */
export function distribution(
  moments: tf.Tensor4D,
  axis = 1,
): [mean: tf.Tensor4D, logvar: tf.Tensor4D] {
  const [mean, logvar] = tf.split<tf.Tensor4D>(moments, 2, axis);
  return [mean, tf.clipByValue(logvar, -30, 20)];
}
