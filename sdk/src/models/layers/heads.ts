import { tf } from '../../tensorflow';

/**
 * (B, L, C) -> (B, L, heads, C / heads)
 *
 * @example
 * splitHeads(tf.zeros([1, 3, 8]), 2).shape; // [1, 3, 2, 4]
 */
export function splitHeads(x: tf.Tensor3D, heads: number): tf.Tensor4D {
  const [batch, length, width] = x.shape;
  return x.reshape([batch, length, heads, width / heads]);
}

/**
 * Sequences (B, L, H, D) one after the other -> (B, H, sum of L, D)
 *
 * @example
 * headsFirst([tf.zeros([1, 3, 2, 4]), tf.zeros([1, 5, 2, 4])]).shape; // [1, 2, 8, 4]
 */
export function headsFirst(sequences: readonly tf.Tensor4D[]): tf.Tensor4D {
  const joined = sequences.length === 1 ? sequences[0] : tf.concat([...sequences], 1);
  return tf.transpose(joined, [0, 2, 1, 3]);
}

/**
 * (B, H, L, D) -> (B, L, H D)
 *
 * @example
 * joinHeads(tf.zeros([1, 2, 3, 4])).shape; // [1, 3, 8]
 */
export function joinHeads(x: tf.Tensor4D): tf.Tensor3D {
  const [batch, heads, length, size] = x.shape;
  return tf.transpose(x, [0, 2, 1, 3]).reshape([batch, length, heads * size]);
}
