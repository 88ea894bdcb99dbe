import { tf } from '../../tensorflow';

/**
 * y = (x - mean) / sqrt(variance + epsilon) * weight + bias, over the last axis (Ba et al. 2016, arXiv 1607.06450).
 *
 * @param x (..., C)
 * @param weight (C)
 * @param bias (C)
 * @returns (..., C)
 *
 * @example
 * layerNorm(tf.tensor2d([[1, 3]]), tf.tensor1d([1, 1]), tf.tensor1d([0, 0])); // [[-1.000, 1.000]]
 */
export function layerNorm<X extends tf.Tensor>(
  x: X,
  weight: tf.Tensor1D,
  bias: tf.Tensor1D,
  epsilon = 1e-5,
): X {
  const centred = tf.sub(x, tf.mean(x, -1, true));
  const rstd = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), epsilon));
  return tf.add(tf.mul(tf.mul(centred, rstd), weight), bias);
}
