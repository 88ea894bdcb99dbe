/**
 * Works on items one after the other, the second half of one beside the first half of the next: pictures are decoded and
 * rated while others are denoised. Never more than two are under way.
 *
 * @param work What is done with an item: it calls `onHalf` when the next may begin. `before` settles when the one before is
 *   done with.
 * @throws What an item failed with, once none is under way any more.
 */
export async function overlapping<Item>(
  items: readonly Item[],
  work: (item: Item, at: number, onHalf: () => void, before: Promise<void>) => Promise<void>,
): Promise<void> {
  let before = Promise.resolve();
  let last = before;
  try {
    for (const [at, item] of items.entries()) {
      await before;
      before = last;
      await new Promise<void>((resolve, reject) => {
        last = work(item, at, resolve, before);
        last.then(resolve, reject);
      });
    }
  } finally {
    await Promise.allSettled([before, last]);
  }
  await Promise.all([before, last]);
}
