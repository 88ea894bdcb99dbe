import type { PairBatch } from '../../pipelines';
import { tf } from '../../tensorflow';

/**
 * Refuses what are no noised pairs. Reads values, so once for rows that stay as they are.
 *
 * @param microBatchSize Rows that go through the model at once. Default: all.
 * @throws When rows or micro-batches are not whole pairs, or rows differ in noise or time within one.
 */
export function requirePairs(batch: PairBatch, microBatchSize = Infinity): void {
  const [B] = batch.noisy_latents.shape;
  const size = Math.min(microBatchSize, B);
  if (B % 2 !== 0 || size % 2 !== 0 || size < 2) {
    throw new Error(
      `Cannot learn from pairs as rows and micro-batches must hold whole pairs: there are ${B} rows in micro-batches of ${size}`,
    );
  }
  refuseUnlikeRows(batch);
}

/** Rows of a pair that differ in noise or time say nothing of which picture is better. Close is enough, as upstream. */
function refuseUnlikeRows(batch: PairBatch): void {
  for (const name of ['noise', 'timesteps'] as const) {
    const [B] = batch[name].shape;
    const alike = tf.tidy(() => {
      const [chosen, rejected] = tf.unstack(tf.reshape(batch[name].toFloat(), [B / 2, 2, -1]), 1);
      const gap = tf.abs(tf.sub(chosen, rejected));
      return tf.all(tf.lessEqual(gap, tf.add(tf.mul(tf.abs(rejected), 1e-5), 1e-8)), 1).dataSync();
    });
    const pair = alike.indexOf(0);
    if (pair >= 0) {
      throw new Error(
        `Cannot learn from pairs as the two rows of a pair must have the same ${name}: rows ${2 * pair} and ${2 * pair + 1} differ`,
      );
    }
  }
}
