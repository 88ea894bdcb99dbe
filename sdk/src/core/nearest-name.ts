/** Least number of letters to insert, delete, replace or swap with their neighbour to make one word of the other. */
export function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      row[j] = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        row[j] = Math.min(row[j], before[j - 2] + 1);
      }
    }
    [before, last] = [last, row];
  }
  return last[b.length];
}

/**
 * The one of `names` that `name` was most likely meant to be, or null when there is none. The first of equals wins.
 *
 * @example
 * nearestName('leraning_rate', ['clip_ratio', 'learning_rate']); // 'learning_rate'
 */
export function nearestName(name: string, names: readonly string[]): string | null {
  const distances = names.map((known) => editDistance(name, known));
  return names[distances.indexOf(Math.min(...distances))] ?? null;
}
