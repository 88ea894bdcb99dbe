import type { tf } from '../../tensorflow';

/** Applies a function of rows (N, in) -> (N, out) to the last axis of x: (..., in) -> (..., out) */
export function overRows<X extends tf.Tensor>(x: X, f: (rows: tf.Tensor2D) => tf.Tensor2D): X {
  if (x.shape.length === 2) return f(x as tf.Tensor as tf.Tensor2D) as tf.Tensor as X;
  const inputs = x.shape[x.shape.length - 1];
  const y = f(x.reshape<tf.Tensor2D>([-1, inputs]));
  return y.reshape([...x.shape.slice(0, -1), y.shape[1]]) as tf.Tensor as X;
}
