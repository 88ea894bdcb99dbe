import { tf } from '../../tensorflow';

/**
 * y = (x - mean) / sqrt(variance + epsilon) * gain + bias, statistics over the pixels and the channels of a group (Wu and
 * He 2018, arXiv 1803.08494).
 *
 * @param x (B, H, W, C)
 * @param gain (C)
 * @param bias (C)
 * @param groups Groups of neighbouring channels; divides C.
 * @returns (B, H, W, C)
 */
export function groupNorm(
  x: tf.Tensor4D,
  gain: tf.Tensor1D,
  bias: tf.Tensor1D,
  groups: number,
  epsilon = 1e-6,
): tf.Tensor4D {
  const [B, , , C] = x.shape;
  /** The mean of each pixel's group, (B, 1, 1, C). */
  const groupMean = (values: tf.Tensor4D): tf.Tensor4D => {
    const means = tf
      .mean(values, [1, 2])
      .reshape([B, groups, C / groups])
      .mean(2, true);
    return tf.tile(means, [1, 1, C / groups]).reshape([B, 1, 1, C]);
  };
  const centred = tf.sub<tf.Tensor4D>(x, groupMean(x));
  const variance = groupMean(tf.square(centred));
  const scale = tf.mul(tf.rsqrt(tf.add(variance, epsilon)), gain);
  return tf.add(tf.mul(centred, scale), bias);
}
