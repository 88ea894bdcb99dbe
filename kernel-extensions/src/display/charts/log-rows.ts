/** A row of a run's log: a step and what was measured in it. */
export interface LogRow {
  /** The step's number. */
  step: number;
  [metric: string]: unknown;
}

/** The first of some spellings that any row has, or undefined. */
export function findField(
  rows: readonly LogRow[],
  spellings: readonly string[],
): string | undefined {
  return spellings.find((name) =>
    rows.some((row) => row[name] !== undefined && row[name] !== null),
  );
}

/** A row's number, NaN for anything else. */
export function numberAt(row: LogRow, field: string | undefined): number {
  const value = field === undefined ? undefined : row[field];
  return typeof value === 'number' ? value : NaN;
}

/**
 * Exponential mean over about `window` values, corrected for its start as Adam's moments are
 * (Kingma and Ba 2015, algorithm 1). Values that are not finite are passed over.
 */
export function smooth(values: readonly number[], window: number): number[] {
  const keep = 1 - 1 / Math.max(1, window);
  let mean = 0;
  let weight = 0;
  return values.map((value) => {
    if (Number.isFinite(value)) {
      mean = keep * mean + (1 - keep) * value;
      weight = keep * weight + (1 - keep);
    }
    return weight === 0 ? NaN : mean / weight;
  });
}

/** Merges neighbours so that at most `most` groups remain; charts cannot show more points anyway. */
export function groupNeighbours<T>(items: readonly T[], most: number): T[][] {
  const size = Math.max(1, Math.ceil(items.length / most));
  const groups: T[][] = [];
  for (let start = 0; start < items.length; start += size) {
    groups.push(items.slice(start, start + size));
  }
  return groups;
}

/** Mean of the finite numbers, NaN without any. */
export function meanOf(values: readonly number[]): number {
  const finite = values.filter((value) => Number.isFinite(value));
  return finite.reduce((sum, value) => sum + value, 0) / finite.length;
}
