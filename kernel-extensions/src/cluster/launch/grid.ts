import { gridPoints, parseAxis } from '../../sweep/axes';

/**
 * Every combination of values: `lr=1e-4,3e-4` and `seed=1..3` are six runs, in the order in which an odometer counts.
 *
 * @param axes Each `name=` and values as a sweep takes them.
 * @throws When one is not, or its values make no grid.
 */
export function gridOf(axes: readonly string[]): string[][] {
  const parsed = axes.map((axis) => {
    const [, name, values] = /^([^=]+)=(.+)$/s.exec(axis) ?? [];
    if (name !== undefined) return parseAxis(name, values);
    throw new Error(
      `Cannot run each of "${axis}" as it must be name=value,value,... or name=first..last`,
    );
  });
  return gridPoints(parsed).map((point) =>
    Object.entries(point).map(([name, value]) => `${name}=${value}`),
  );
}
