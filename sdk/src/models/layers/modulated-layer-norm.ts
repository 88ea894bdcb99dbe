import { tf } from '../../tensorflow';
import { differentiable } from './differentiable';

/**
 * y = (x - mean) / sqrt(variance + epsilon) * (1 + scale) + shift, statistics over the last axis: the layer norm without
 * weights of diffusion transformers, with adaLN modulation (Peebles and Xie 2023, arXiv 2212.09748).
 *
 * @param x (B, L, C)
 * @param shift (B, 1, C), or (B, L, C) for modulation by token.
 * @param scale Same shape as `shift`.
 * @returns (B, L, C)
 *
 * @example
 * const [shift, scale] = [tf.tensor3d([[[0, 10]]]), tf.tensor3d([[[1, 1]]])];
 * modulatedLayerNorm(tf.tensor3d([[[1, 3]]]), shift, scale); // [[[-2.000, 12.000]]]
 */
export function modulatedLayerNorm(
  x: tf.Tensor3D,
  shift: tf.Tensor3D,
  scale: tf.Tensor3D,
  epsilon = 1e-6,
): tf.Tensor3D {
  const isPerToken = shift.shape[1] !== 1;
  const reduce = (dy: tf.Tensor3D) => (isPerToken ? dy.clone() : tf.sum<tf.Tensor3D>(dy, 1, true));
  return differentiable<tf.Tensor3D>(
    [x, shift, scale],
    (save) => {
      const centred = tf.sub(x, tf.mean(x, -1, true));
      const rstd = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), epsilon));
      const normal = tf.mul<tf.Tensor3D>(centred, rstd);
      const factor = tf.add(scale, 1);
      save([normal, rstd, factor]);
      return tf.add<tf.Tensor3D>(tf.mul(normal, factor), shift);
    },
    (dy, saved) => {
      const [normal, rstd, factor] = saved as tf.Tensor3D[];
      const toX = () => {
        const g = tf.mul(dy, factor);
        const along = tf.mul(normal, tf.mean(tf.mul(g, normal), -1, true));
        return tf.mul(tf.sub(tf.sub(g, tf.mean(g, -1, true)), along), rstd);
      };
      return [toX, () => reduce(dy), () => reduce(tf.mul(dy, normal))];
    },
  );
}
