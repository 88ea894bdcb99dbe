/** What one line says about many numbers; everything but the counts is over the finite ones. */
export interface Summary {
  count: number;
  finite: number;
  nan: number;
  infinite: number;
  zeros: number;
  mean: number;
  /** Standard deviation, divided by the count. */
  std: number;
  min: number;
  max: number;
}

/** Summarises numbers in two passes, so that the deviation is exact for a large mean as well. */
export function summarise(values: ArrayLike<number>): Summary {
  let finite = 0;
  let nan = 0;
  let zeros = 0;
  let sum = 0;
  let min = Infinity;
  let max = -Infinity;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (Number.isNaN(value)) nan += 1;
    if (!Number.isFinite(value)) continue;
    finite += 1;
    if (value === 0) zeros += 1;
    sum += value;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  const mean = sum / finite;
  let squares = 0;
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) squares += (values[i] - mean) ** 2;
  }
  const infinite = values.length - finite - nan;
  const none = finite === 0;
  return {
    count: values.length,
    finite,
    nan,
    infinite,
    zeros,
    mean,
    std: Math.sqrt(squares / finite),
    min: none ? NaN : min,
    max: none ? NaN : max,
  };
}

/** A bar of a histogram: values in [low, high), the last one with its upper edge. */
export interface Bin {
  low: number;
  high: number;
  count: number;
}

/** Counts finite values in `bins` bars of equal width from `low` to `high`, which must hold them all. */
export function countBins(
  values: ArrayLike<number>,
  bins: number,
  low: number,
  high: number,
): Bin[] {
  const width = (high - low) / bins;
  const counts = new Array<number>(bins).fill(0);
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) continue;
    counts[Math.min(bins - 1, Math.floor((values[i] - low) / width))] += 1;
  }
  return counts.map((count, i) => ({ low: low + i * width, high: low + (i + 1) * width, count }));
}

/** What is wrong with some numbers, in words for a chart's warnings. */
export function numberWarnings({ count, nan, infinite }: Summary): string[] {
  const warnings: string[] = [];
  if (count === 0) warnings.push('There are no values.');
  if (nan > 0)
    warnings.push(
      `${nan.toLocaleString('en-US')} of ${count.toLocaleString('en-US')} values are NaN.`,
    );
  if (infinite > 0) {
    warnings.push(
      `${infinite.toLocaleString('en-US')} of ${count.toLocaleString('en-US')} values are infinite.`,
    );
  }
  return warnings;
}
