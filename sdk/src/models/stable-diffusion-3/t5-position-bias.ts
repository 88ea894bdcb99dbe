import { tf } from '../../tensorflow';
import type { T5Config } from './t5-config';

type BucketSettings = Pick<
  T5Config,
  'relative_attention_num_buckets' | 'relative_attention_max_distance'
>;

/**
 * Adds to attention scores what a table has for the distance between tokens (Raffel et al. 2020, arXiv 1910.10683).
 *
 * @param table (buckets, H)
 * @returns (1, H, L, L)
 */
export function t5PositionBias(
  table: tf.Tensor2D,
  length: number,
  settings: BucketSettings,
): tf.Tensor4D {
  const buckets = new Int32Array(length * length);
  for (let query = 0; query < length; query++) {
    for (let key = 0; key < length; key++) {
      buckets[query * length + key] = distanceBucket(key - query, settings);
    }
  }
  const indices = tf.tensor2d(buckets, [length, length], 'int32');
  return tf.transpose(tf.gather(table, indices), [2, 0, 1]).expandDims(0);
}

/**
 * The bucket of a distance, key - query. Half of the buckets are for keys behind the query. In each half, half of the
 * buckets are a distance each, and the others grow like its logarithm.
 *
 * @example
 * const settings = { relative_attention_num_buckets: 32, relative_attention_max_distance: 128 };
 * [0, -1, 1, -20, 500].map((distance) => distanceBucket(distance, settings)); // [0, 1, 17, 10, 31]
 */
export function distanceBucket(
  distance: number,
  {
    relative_attention_num_buckets: buckets,
    relative_attention_max_distance: longest,
  }: BucketSettings,
): number {
  const half = Math.floor(buckets / 2);
  const exact = Math.floor(half / 2);
  const size = Math.abs(distance);
  const start = distance > 0 ? half : 0;
  if (size < exact) return start + size;
  // Rounded as the reference rounds: the result is cut to a whole number.
  const share = Math.fround(
    Math.fround(Math.log(Math.fround(size / exact))) / Math.fround(Math.log(longest / exact)),
  );
  const growing = exact + Math.trunc(Math.fround(share * (half - exact)));
  return start + Math.min(growing, half - 1);
}
