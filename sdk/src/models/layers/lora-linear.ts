import { tf } from '../../tensorflow';
import { differentiable } from './differentiable';
import { multiplyMatrices } from './row-operations';
import { overRows } from './rows';

/**
 * scale (x A^T) B^T over the last axis: what a low-rank adapter adds to its layer (Hu et al. 2021, arXiv 2106.09685).
 * Neither W + scale B A nor its gradient, both as large as W, is ever computed.
 *
 * @param x (..., in)
 * @param A (rank, in)
 * @param B (out, rank)
 * @returns (..., out)
 *
 * @example
 * loraLinear(tf.tensor2d([[1, 2]]), tf.tensor2d([[1, 1]]), tf.tensor2d([[5]]), 2); // [[30]]
 */
export function loraLinear<X extends tf.Tensor>(
  x: X,
  A: tf.Tensor2D,
  B: tf.Tensor2D,
  scale: number,
): X {
  return overRows(x, (rows) => loraRows(rows, A, B, scale));
}

function loraRows(x: tf.Tensor2D, A: tf.Tensor2D, B: tf.Tensor2D, scale: number): tf.Tensor2D {
  return differentiable<tf.Tensor2D>(
    [x, A, B],
    (save) => {
      const inner = tf.mul<tf.Tensor2D>(multiplyMatrices(x, A, false, true), scale);
      save([x, A, B, inner]);
      return multiplyMatrices(inner, B, false, true);
    },
    (dy, saved) => {
      const [x, A, B, inner] = saved as tf.Tensor2D[];
      const dInner = tf.tidy(() => tf.mul<tf.Tensor2D>(multiplyMatrices(dy, B), scale));
      return [
        () => multiplyMatrices(dInner, A),
        () => multiplyMatrices(dInner, x, true),
        () => multiplyMatrices(dy, inner, true),
      ];
    },
  );
}
