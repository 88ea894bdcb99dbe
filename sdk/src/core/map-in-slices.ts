import { setImmediate } from 'node:timers/promises';

/** How long the event loop may be kept: one frame of 60 a second. */
const SLICE_MS = 16;

/**
 * `items.map(compute)` in slices: other work comes in between whenever the event loop was kept for 16 ms.
 *
 * @param compute Is short, and is called in order.
 * @throws What `compute` throws.
 * @example
 * await mapInSlices(['a', 'b'], (one, at) => `${one}${at}`); // ['a0', 'b1']
 */
export async function mapInSlices<Item, Result>(
  items: readonly Item[],
  compute: (item: Item, at: number) => Result,
): Promise<Result[]> {
  const results: Result[] = [];
  let since = performance.now();
  for (const [at, item] of items.entries()) {
    results.push(compute(item, at));
    if (performance.now() - since < SLICE_MS) continue;
    await setImmediate();
    since = performance.now();
  }
  return results;
}
