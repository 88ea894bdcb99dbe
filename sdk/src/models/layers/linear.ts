import type { tf } from '../../tensorflow';
import { differentiable } from './differentiable';
import { addToRows, multiplyMatrices, sumRows } from './row-operations';
import { overRows } from './rows';

/**
 * y = x W^T + b over the last axis.
 *
 * @param x (..., in)
 * @param weight (out, in), as checkpoints store it.
 * @param bias (out), or null.
 * @returns (..., out)
 *
 * @example
 * linear(tf.tensor2d([[1, 2]]), tf.tensor2d([[3, 4]]), tf.tensor1d([10])); // [[21]]
 */
export function linear<X extends tf.Tensor>(
  x: X,
  weight: tf.Tensor2D,
  bias: tf.Tensor1D | null,
): X {
  return overRows(x, (rows) => linearRows(rows, weight, bias));
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
