import type { tf } from '../../tensorflow';
import { differentiable } from './differentiable';
import { addToRows, multiplyMatrices, sumRows } from './row-operations';

/**
 * y = x W^T + b over the last axis.
 *
 * @param x (..., in)
 * @param weight (out, in), as checkpoints store it.
 * @param bias (out), or null.
 * @returns (..., out)
 */
export function linear<X extends tf.Tensor>(
  x: X,
  weight: tf.Tensor2D,
  bias: tf.Tensor1D | null,
): X {
  const [outputs, inputs] = weight.shape;
  const rows =
    x.shape.length === 2 ? (x as tf.Tensor as tf.Tensor2D) : x.reshape<tf.Tensor2D>([-1, inputs]);
  const y = linearRows(rows, weight, bias);
  return (x.shape.length === 2
    ? y
    : y.reshape([...x.shape.slice(0, -1), outputs])) as tf.Tensor as X;
}

function linearRows(x: tf.Tensor2D, weight: tf.Tensor2D, bias: tf.Tensor1D | null): tf.Tensor2D {
  return differentiable<tf.Tensor2D>(
    bias === null ? [x, weight] : [x, weight, bias],
    (save) => {
      save([x, weight]);
      const product = multiplyMatrices(x, weight, false, true);
      return bias === null ? product : addToRows(product, bias);
    },
    (dy, saved) => {
      const [x, weight] = saved as tf.Tensor2D[];
      return [
        () => multiplyMatrices(dy, weight),
        () => multiplyMatrices(dy, x, true),
        () => sumRows(dy),
      ];
    },
  );
}
