/**
 * Every combination of values: `lr=1e-4,3e-4` and `seed=1..3` are six runs, in the order in which an odometer counts.
 *
 * @param axes Each `name=value,value,...` or `name=first..last` for whole numbers.
 * @throws When one is neither.
 */
export function gridOf(axes: readonly string[]): string[][] {
  return axes.reduce<string[][]>(
    (runs, axis) => {
      const values = valuesOf(axis);
      return runs.flatMap((run) => values.map((value) => [...run, value]));
    },
    [[]],
  );
}

function valuesOf(axis: string): string[] {
  const [, name, list] = /^([^=]+)=(.+)$/s.exec(axis) ?? [];
  if (name === undefined) {
    throw new Error(
      `Cannot run each of "${axis}" as it must be name=value,value,... or name=first..last`,
    );
  }
  const [, first, last] = /^(-?\d+)\.\.(-?\d+)$/.exec(list) ?? [];
  if (first === undefined) return list.split(',').map((value) => `${name}=${value}`);
  const [low, high] = [Number(first), Number(last)];
  if (high < low) {
    throw new Error(`Cannot run each of "${axis}" as the last number must not be below the first`);
  }
  return Array.from({ length: high - low + 1 }, (_, at) => `${name}=${low + at}`);
}
