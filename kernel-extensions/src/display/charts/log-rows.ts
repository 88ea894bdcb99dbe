import { requireList, isRecord } from '../require-data';

/** What every row of a run's log has; the other fields are what was measured in the step. */
export interface LogStep {
  /** The step's number. */
  readonly step: number;
}

/** A row whose fields are looked up by name. */
export interface LogRow extends LogStep {
  readonly [metric: string]: unknown;
}

/**
 * Rows of any type, to be looked up by name: interfaces have no index signature of their own.
 *
 * @param action what they are for, as `draw curves`.
 * @throws if they are no list of rows with a step each.
 */
export function openRows(action: string, log: readonly LogStep[]): readonly LogRow[] {
  requireList(action, 'rows { step, ... }', log, isRow);
  return log as readonly LogRow[];
}

function isRow(row: unknown): boolean {
  return isRecord(row) && typeof row.step === 'number';
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
 * Centred mean over `window` values, fewer at the ends: it does not lag behind as an exponential mean
 * does. Values that are not finite are passed over.
 */
export function smooth(values: readonly number[], window: number): number[] {
  const before = Math.floor((window - 1) / 2);
  const after = Math.ceil((window - 1) / 2);
  // Running sums make it linear in the number of values.
  const sums = [0];
  const counts = [0];
  values.forEach((value, i) => {
    const finite = Number.isFinite(value);
    sums.push(sums[i] + (finite ? value : 0));
    counts.push(counts[i] + (finite ? 1 : 0));
  });
  return values.map((_, i) => {
    const from = Math.max(0, i - before);
    const to = Math.min(values.length, i + after + 1);
    return (sums[to] - sums[from]) / (counts[to] - counts[from]);
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
