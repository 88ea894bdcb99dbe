import { tf } from '../../tensorflow';

/** Attention scores (B, H, Lq, Lk) of more bytes than this, 32 MB, are computed in blocks of queries. */
export const LARGEST_SCORES_BYTES = 2 ** 25;

/** Queries that are computed together: from which on, and how many. */
export interface QueryBlock {
  start: number;
  length: number;
}

/** Blocks of the same length, but for the last. */
export function queryBlocks(q: tf.Tensor4D, k: tf.Tensor4D): QueryBlock[] {
  const [B, H, Lq] = q.shape;
  const bytes = 4 * B * H * Lq * k.shape[2];
  const count = Math.min(Lq, Math.max(1, Math.ceil(bytes / LARGEST_SCORES_BYTES)));
  const length = Math.ceil(Lq / count);
  const blocks: QueryBlock[] = [];
  for (let start = 0; start < Lq; start += length) {
    blocks.push({ start, length: Math.min(length, Lq - start) });
  }
  return blocks;
}

/** The rows (B, H, length, D) of a block. */
export function rowsOf(x: tf.Tensor4D, { start, length }: QueryBlock): tf.Tensor4D {
  const [B, H, , D] = x.shape;
  return tf.slice4d(x, [0, 0, start, 0], [B, H, length, D]);
}

/** What of a bias falls to a block of queries: all of it when it is the same for each query. */
export function biasOf(bias: tf.Tensor | null, { start, length }: QueryBlock): tf.Tensor | null {
  const axis = bias === null ? -1 : bias.rank - 2;
  if (bias === null || axis < 0 || bias.shape[axis] === 1) return bias;
  const begin = bias.shape.map((_, at) => (at === axis ? start : 0));
  const size = bias.shape.map((count, at) => (at === axis ? length : count));
  return tf.slice(bias, begin, size);
}
