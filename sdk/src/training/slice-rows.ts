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

/** Frees the tensors of `slices` that `sliceRows` made of `batch`, not those that it passed on. */
export function disposeSlices(slices: object, batch: object): void {
  const whole: unknown[] = Object.values(batch);
  tf.dispose(
    Object.values(slices).filter(
      (value): value is tf.Tensor => value instanceof tf.Tensor && !whole.includes(value),
    ),
  );
}
