/** Mean; NaN of nothing. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Standard deviation with n - ddof below the line; NaN when that is 0. */
export function standardDeviation(values: readonly number[], ddof: 0 | 1): number {
  const center = mean(values);
  const sum = values.reduce((total, value) => total + (value - center) ** 2, 0);
  return Math.sqrt(sum / (values.length - ddof));
}

/** Share of the values for which something holds. */
export function share(values: readonly number[], holds: (value: number) => boolean): number {
  return values.filter(holds).length / values.length;
}

/** The middle value, or the mean of both middle ones; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length / 2;
  return (sorted[Math.ceil(half) - 1] + sorted[Math.floor(half)]) / 2;
}
