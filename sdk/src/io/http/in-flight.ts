/**
 * Runs `work` on every item, on at most `most` of them at a time.
 *
 * @returns What became of each, in the items' order: nothing rejects.
 */
export async function settleInFlight<Item, Result>(
  items: readonly Item[],
  most: number,
  work: (item: Item, index: number) => Promise<Result>,
): Promise<PromiseSettledResult<Result>[]> {
  const results: PromiseSettledResult<Result>[] = [];
  let next = 0;
  const runner = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      [results[index]] = await Promise.allSettled([work(items[index], index)]);
    }
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, runner));
  return results;
}
