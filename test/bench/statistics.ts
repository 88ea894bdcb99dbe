/** The middle of the values; of an even number the mean of the two middle ones. Throws on none. */
export function median(values: readonly number[]): number {
  if (values.length === 0) throw new Error('Cannot take a median as there must be values');
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** How often work of `ms` milliseconds is repeated in one sample, so that the clock and the call do not count. */
export function repeatsFor(ms: number, sampleMs = 60, most = 200): number {
  return Math.max(1, Math.min(most, Math.floor(sampleMs / Math.max(ms, 1e-3))));
}

/** Samples of each side for work of `ms` milliseconds: five, or with `isQuick` three of short work and one of long. */
export function samplesFor(ms: number, isQuick: boolean): number {
  if (!isQuick) return 5;
  return ms < 1500 ? 3 : 1;
}

/** Milliseconds that `flops` operations take at a rate in GFLOP/s. */
export function floorMs(flops: number, gigaflopsPerSecond: number): number {
  return flops / gigaflopsPerSecond / 1e6;
}

/** One row of the result: times in milliseconds, memory in megabytes; null where a side has no number. */
export interface BenchRow {
  row: string;
  flowbook_ms: number | null;
  eager_ms: number | null;
  compile_ms: number | null;
  floor_ms: number | null;
  /** Of time or memory: PyTorch's over Flowbook's, larger is better. */
  ratio: number | null;
  flowbook_mb: number | null;
  eager_mb: number | null;
  note?: string;
}

/** Puts samples of both sides together into a row of the result, which has no floor yet. */
export function timedRow(
  row: string,
  samples: { ours: readonly number[]; eager: readonly number[]; compile: readonly number[] },
): BenchRow {
  const [ours, eager] = [median(samples.ours), median(samples.eager)];
  return {
    row,
    flowbook_ms: ours,
    eager_ms: eager,
    compile_ms: samples.compile.length > 0 ? median(samples.compile) : null,
    floor_ms: null,
    ratio: eager / ours,
    flowbook_mb: null,
    eager_mb: null,
  };
}

const NO_TIMES = { flowbook_ms: null, eager_ms: null, compile_ms: null, floor_ms: null } as const;

/** A row that this machine cannot run. */
export function obstructedRow(row: string, note: string): BenchRow {
  return { row, ...NO_TIMES, ratio: null, flowbook_mb: null, eager_mb: null, note };
}

/** Puts two peaks of memory together into a row of the result. */
export function memoryRow(row: string, flowbook_mb: number, eager_mb: number): BenchRow {
  return { row, ...NO_TIMES, ratio: eager_mb / flowbook_mb, flowbook_mb, eager_mb };
}
