import { tf } from '../../tensorflow';
import { differentiable } from './differentiable';
import { multiplyMatrices } from './row-operations';

/**
 * W + scale B A (Hu et al. 2021, arXiv 2106.09685), the weight that a layer with a low-rank adapter has.
 *
 * @param weight (out, in)
 * @param A (rank, in)
 * @param B (out, rank)
 * @returns (out, in)
 */
export function loraWeight(
  weight: tf.Tensor2D,
  A: tf.Tensor2D,
  B: tf.Tensor2D,
  scale: number,
): tf.Tensor2D {
  return differentiable<tf.Tensor2D>(
    [weight, A, B],
    (save) => {
      save([A, B]);
      return tf.add(weight, multiplyMatrices(tf.mul(B, scale), A));
    },
    (dy, saved) => {
      const [A, B] = saved as tf.Tensor2D[];
      return [
        () => dy.clone(),
        () => multiplyMatrices(tf.mul(B, scale), dy, true),
        () => tf.mul(multiplyMatrices(dy, A, false, true), scale),
      ];
    },
  );
}
