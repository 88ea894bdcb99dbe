/**
 * The least number of characters to insert, delete or replace to make one text into the other (Levenshtein, 1966).
 *
 * @param options.swaps Whether two neighbours that change places count as one, too. Default false.
 * @example
 * editDistance('407', '47'); // 1
 */
export function editDistance(
  one: string,
  other: string,
  { swaps = false }: { swaps?: boolean } = {},
): number {
  let before: number[] = [];
  let last = Array.from({ length: other.length + 1 }, (_, j) => j);
  for (let i = 1; i <= one.length; i++) {
    const row = [i];
    for (let j = 1; j <= other.length; j++) {
      const same = one[i - 1] === other[j - 1];
      row[j] = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1));
      if (swaps && i > 1 && j > 1 && one[i - 1] === other[j - 2] && one[i - 2] === other[j - 1]) {
        row[j] = Math.min(row[j], before[j - 2] + 1);
      }
    }
    [before, last] = [last, row];
  }
  return last[other.length];
}
