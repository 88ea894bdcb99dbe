import { tf } from '../../tensorflow';

/** Rounded as the reference rounds it: a time of 1000 makes one more bit here 5e-5 in the features. */
const LOG_PERIOD = Math.fround(-Math.log(10000));

/**
 * Sinusoidal features of a time (Ho et al. 2020, arXiv 2006.11239), cosines first:
 * [cos(t f_0), ..., cos(t f_n), sin(t f_0), ..., sin(t f_n)] with f_i = 10000^(-i / n), n = size / 2.
 *
 * @param timestep (B)
 * @param size Number of features, even.
 * @param scale Multiplies the time first. Qwen-Image takes sigma and multiplies by 1000.
 * @returns (B, size)
 *
 * @example
 * timestepEmbedding(tf.tensor1d([0]), 4, 1000); // [[1, 1, 0, 0]]
 */
export function timestepEmbedding(timestep: tf.Tensor1D, size: number, scale: number): tf.Tensor2D {
  const half = size / 2;
  const frequencies = Float32Array.from({ length: half }, (_, index) =>
    Math.exp(Math.fround(Math.fround(LOG_PERIOD * index) / half)),
  );
  return tf.tidy(() => {
    const angles = tf.mul(
      tf.mul(timestep.expandDims(1), tf.tensor2d(frequencies, [1, half])),
      scale,
    );
    return tf.concat2d([tf.cos(angles) as tf.Tensor2D, tf.sin(angles) as tf.Tensor2D], 1);
  });
}
