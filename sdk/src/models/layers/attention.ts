import { tf } from '../../tensorflow';
import { differentiable } from './differentiable';

/** Stands for minus infinity in a bias: its exponential is exactly zero, and no difference of two is NaN. */
export const MASKED = -1e30;

/**
 * softmax(q k^T / sqrt(D) + bias) v (Vaswani et al. 2017, arXiv 1706.03762).
 *
 * @param q (B, H, Lq, D)
 * @param k (B, H, Lk, D)
 * @param v (B, H, Lk, D)
 * @param bias Broadcasts to (B, H, Lq, Lk), for example (B, 1, 1, Lk) with `MASKED` at keys to leave out; no gradient. Or null.
 * @returns (B, H, Lq, D)
 */
export function attention(
  q: tf.Tensor4D,
  k: tf.Tensor4D,
  v: tf.Tensor4D,
  bias: tf.Tensor | null,
): tf.Tensor4D {
  const scale = 1 / Math.sqrt(q.shape[3]);
  return differentiable<tf.Tensor4D>(
    [q, k, v],
    (save) => {
      const scores = tf.matMul(tf.mul<tf.Tensor4D>(q, scale), k, false, true);
      const weights = tf.softmax(bias === null ? scores : tf.add<tf.Tensor4D>(scores, bias));
      const y = tf.matMul<tf.Tensor4D>(weights, v);
      save([q, k, v, weights, y]);
      return y;
    },
    (dy, saved) => {
      const [q, k, v, weights, y] = saved as tf.Tensor4D[];
      // The row sums of weights * d(weights) equal those of y * dy (Dao et al. 2022, arXiv 2205.14135, appendix B).
      const toScores = () => {
        const toWeights = tf.matMul(dy, v, false, true);
        const rowSums = tf.sum(tf.mul(dy, y), -1, true);
        return tf.mul<tf.Tensor4D>(tf.mul(weights, tf.sub(toWeights, rowSums)), scale);
      };
      const dScores = tf.tidy(toScores);
      return [
        () => tf.matMul(dScores, k),
        () => tf.matMul(dScores, q, true),
        () => tf.matMul(weights, dy, true),
      ];
    },
  );
}
