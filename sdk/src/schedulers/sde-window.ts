/** First step that gets noise, and one past the last. */
export type SdeWindow = readonly [start: number, end: number];

/** Where a window may lie. */
export interface WindowPlace {
  /** Steps that get noise. */
  size: number;
  /** The window lies within [first, end) of it. */
  range: SdeWindow;
  /** Steps of the rollout, which the window lies within, too. Default: any number. */
  steps?: number;
}

/**
 * The last step that a window may start at.
 *
 * @param options.isWhole Whether size and range must be whole numbers. Default true.
 * @throws When the window does not fit.
 * @example
 * lastWindowStart({ size: 2, range: [0, 5], steps: 4 }); // 2
 */
export function lastWindowStart(
  { size, range: [first, end], steps = Infinity }: WindowPlace,
  { isWhole = true }: { isWhole?: boolean } = {},
): number {
  const last = Math.min(end, steps) - size;
  const areCounts =
    Number.isInteger(size) &&
    size >= 1 &&
    Number.isInteger(first) &&
    first >= 0 &&
    Number.isInteger(end);
  if (!(last >= first) || (isWhole && !areCounts)) {
    const within = steps < Infinity ? ` within the ${steps} steps` : '';
    throw new Error(
      `Cannot place an SDE window as its size must fit its range${within}: current values are size ${size} and range [${first}, ${end}]`,
    );
  }
  return last;
}
