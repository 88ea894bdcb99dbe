import { tf } from '../../tensorflow';
import { computedAfter } from './computed-after';
import { differentiable } from './differentiable';
import { biasOf, queryBlocks, rowsOf, type QueryBlock } from './query-blocks';

/** Stands for minus infinity in a bias: its exponential is exactly zero, and no difference of two is NaN. */
export const MASKED = -1e30;

/**
 * softmax(q k^T / sqrt(D) + bias) v (Vaswani et al. 2017, arXiv 1706.03762).
 *
 * Where the scores would take more than `LARGEST_SCORES_BYTES`, queries are taken in blocks, each with all keys, so that
 * memory grows with the number of tokens and not with its square. The gradient computes each block's weights again
 * instead of keeping them (as Dao et al. 2022, arXiv 2205.14135, do).
 *
 * @param q (B, H, Lq, D)
 * @param k (B, H, Lk, D)
 * @param v (B, H, Lk, D)
 * @param bias Broadcasts to (B, H, Lq, Lk), for example (B, 1, 1, Lk) with `MASKED` at keys to leave out; no gradient. Or null.
 * @returns (B, H, Lq, D)
 *
 * @example
 * const v = tf.tensor4d([[[[0, 2], [4, 6]]]]);
 * attention(tf.zeros([1, 1, 1, 2]), tf.zeros([1, 1, 2, 2]), v, null); // [[[[2, 4]]]] // all keys alike: the mean of v
 */
export function attention(
  q: tf.Tensor4D,
  k: tf.Tensor4D,
  v: tf.Tensor4D,
  bias: tf.Tensor | null,
): tf.Tensor4D {
  const blocks = queryBlocks(q, k);
  return blocks.length === 1
    ? wholeAttention(q, k, v, bias)
    : blockedAttention(q, k, v, bias, blocks);
}

/** Keeps the weights for the gradient. */
function wholeAttention(
  q: tf.Tensor4D,
  k: tf.Tensor4D,
  v: tf.Tensor4D,
  bias: tf.Tensor | null,
): tf.Tensor4D {
  return differentiable<tf.Tensor4D>(
    [q, k, v],
    (save) => {
      const weights = attentionWeights(q, k, bias);
      const y = tf.matMul<tf.Tensor4D>(weights, v);
      save([q, k, v, weights, y]);
      return y;
    },
    (dy, saved) => {
      const [q, k, v, weights, y] = saved as tf.Tensor4D[];
      const gradients = tf.tidy(() => attentionGradients(weights, q, k, v, y, dy));
      return gradients.map((gradient) => () => gradient);
    },
  );
}

function blockedAttention(
  q: tf.Tensor4D,
  k: tf.Tensor4D,
  v: tf.Tensor4D,
  bias: tf.Tensor | null,
  blocks: readonly QueryBlock[],
): tf.Tensor4D {
  return differentiable<tf.Tensor4D>(
    [q, k, v],
    (save) => {
      const outputs: tf.Tensor4D[] = [];
      for (const block of blocks) {
        const before = outputs.slice(-1);
        const output = tf.tidy(() => {
          const queries = computedAfter(rowsOf(q, block), before);
          return tf.matMul<tf.Tensor4D>(attentionWeights(queries, k, biasOf(bias, block)), v);
        });
        outputs.push(output);
      }
      const y = tf.concat4d(outputs, 2);
      save([q, k, v, y]);
      return y;
    },
    (dy, saved) => {
      const [q, k, v, y] = saved as tf.Tensor4D[];
      const gradients = tf.tidy(() => {
        const dq: tf.Tensor4D[] = [];
        let toKeys: tf.Tensor4D[] = [];
        for (const block of blocks) {
          const before = [...dq.slice(-1), ...toKeys];
          const [dqBlock, ...toKeysOfBlock] = tf.tidy(() => {
            const [queries, dyRows] = [q, dy].map((x) => computedAfter(rowsOf(x, block), before));
            const weights = attentionWeights(queries, k, biasOf(bias, block));
            return attentionGradients(weights, queries, k, v, rowsOf(y, block), dyRows);
          });
          dq.push(dqBlock);
          toKeys = addedUp(toKeys, toKeysOfBlock);
        }
        return [tf.concat4d(dq, 2), ...toKeys];
      });
      return gradients.map((gradient) => () => gradient);
    },
  );
}

/** softmax(q k^T / sqrt(D) + bias) */
function attentionWeights(q: tf.Tensor4D, k: tf.Tensor4D, bias: tf.Tensor | null): tf.Tensor4D {
  const scores = tf.matMul<tf.Tensor4D>(tf.mul<tf.Tensor4D>(q, scaleOf(q)), k, false, true);
  return tf.softmax(bias === null ? scores : tf.add<tf.Tensor4D>(scores, bias));
}

/** The gradients to q, k and v of y = weights v. */
function attentionGradients(
  weights: tf.Tensor4D,
  q: tf.Tensor4D,
  k: tf.Tensor4D,
  v: tf.Tensor4D,
  y: tf.Tensor4D,
  dy: tf.Tensor4D,
): [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D] {
  // The row sums of weights * d(weights) equal those of y * dy (Dao et al. 2022, appendix B).
  const toScores = tf.tidy(() => {
    const rowSums = tf.sum(tf.mul(dy, y), -1, true);
    return tf.mul<tf.Tensor4D>(weights, tf.sub(tf.matMul(dy, v, false, true), rowSums));
  });
  const scale = scaleOf(q);
  return [
    tf.mul(tf.matMul(toScores, k), scale),
    tf.matMul(toScores, tf.mul(q, scale), true),
    tf.matMul(weights, dy, true),
  ];
}

function scaleOf(q: tf.Tensor4D): number {
  return 1 / Math.sqrt(q.shape[3]);
}

/** Sums term by term; the terms are disposed. */
function addedUp(sums: tf.Tensor4D[], terms: tf.Tensor4D[]): tf.Tensor4D[] {
  if (sums.length === 0) return terms;
  return sums.map((sum, index) => {
    const next = tf.add<tf.Tensor4D>(sum, terms[index]);
    tf.dispose([sum, terms[index]]);
    return next;
  });
}
