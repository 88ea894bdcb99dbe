import { tf } from '../tensorflow';

/**
 * Some rows of every tensor of a batch that has one for each of its B rows; all else as it is. The caller owns the slices.
 */
export function sliceRows<Batch extends object>(
  batch: Batch,
  start: number,
  size: number,
  B: number,
): Batch {
  return Object.fromEntries(
    Object.entries(batch).map(([name, value]) => {
      const rowwise = value instanceof tf.Tensor && value.rank > 0 && value.shape[0] === B;
      return [name, rowwise ? tf.slice(value, start, size) : value];
    }),
  ) as Batch;
}
