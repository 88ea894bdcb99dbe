/**
 * The exponent p of y ~ x^p: the slope of the least-squares line through (log x, log y).
 *
 * @throws When there are fewer than two sizes, or a value is not positive.
 */
export function logLogSlope(points: readonly (readonly [x: number, y: number])[]): number {
  if (new Set(points.map(([x]) => x)).size < 2) {
    throw new Error(
      `Cannot fit a slope as there must be two sizes or more: there are ${points.length} points`,
    );
  }
  const bad = points.flat().find((value) => !(value > 0));
  if (bad !== undefined) {
    throw new Error(`Cannot fit a slope as values must be positive: current value is ${bad}`);
  }
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(y)]);
  const mean = (at: number) => logs.reduce((sum, pair) => sum + pair[at], 0) / logs.length;
  const [meanX, meanY] = [mean(0), mean(1)];
  const along = logs.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  return logs.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / along;
}
