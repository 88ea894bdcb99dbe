import { tf } from '../../tensorflow';
import { differentiable } from './differentiable';
import { sumRows } from './row-operations';

/**
 * y = x / sqrt(mean(x^2) + epsilon) * weight, over the last axis (Zhang and Sennrich 2019, arXiv 1910.07467).
 *
 * @param x (..., C)
 * @param weight (C)
 * @returns (..., C)
 *
 * @example
 * rmsNorm(tf.tensor2d([[3, 4]]), tf.tensor1d([1, 1])); // [[0.8485, 1.1314]]
 */
export function rmsNorm<X extends tf.Tensor>(x: X, weight: tf.Tensor1D, epsilon = 1e-6): X {
  return differentiable<X>(
    [x, weight],
    (save) => {
      const rstd = tf.rsqrt(tf.add(tf.mean(tf.square(x), -1, true), epsilon));
      const normal = tf.mul(x, rstd);
      save([normal, rstd, weight]);
      return tf.mul<X>(normal, weight);
    },
    (dy, [normal, rstd, weight]) => [
      () => {
        const g = tf.mul(dy, weight);
        return tf.mul(tf.sub(g, tf.mul(normal, tf.mean(tf.mul(g, normal), -1, true))), rstd);
      },
      () => sumRows(tf.mul(dy, normal).reshape<tf.Tensor2D>([-1, weight.size])),
    ],
  );
}
