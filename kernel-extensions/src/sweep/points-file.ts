import { readFileSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import { SweepError, type Axis, type Point } from './axes';

/**
 * Reads points one by one: a YAML or JSON file with a list of names and values, a run each. What a point leaves out stays as the
 * notebook has it.
 *
 * @throws SweepError when the file cannot be read or holds something else.
 */
export function readPoints(file: string): Point[] {
  let given: unknown;
  try {
    given = parseYaml(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new SweepError(`Cannot read runs from ${file}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (!Array.isArray(given) || given.length === 0) {
    throw new SweepError(
      `Cannot read runs from ${file} as it must hold a list of names and values: current value is ${JSON.stringify(given)}`,
    );
  }
  return given.map((point: unknown, index): Point => {
    const where = `run ${index + 1} of ${file}`;
    if (typeof point !== 'object' || point === null || Array.isArray(point)) {
      throw new SweepError(
        `Cannot read ${where} as it must be names and values: current value is ${JSON.stringify(point)}`,
      );
    }
    return Object.fromEntries(
      Object.entries(point).map(([name, value]) => [name, textOf(name, value, where)]),
    );
  });
}

/** A value as on the command line. */
function textOf(name: string, value: unknown, where: string): string {
  const items = Array.isArray(value) ? (value as unknown[]) : [value];
  const isPlain = items.every((one) => one === null || typeof one !== 'object');
  const isListable = items.length === 1 || items.every((one) => !String(one).includes(','));
  if (isPlain && isListable) return items.map(String).join(',');
  throw new SweepError(
    `Cannot read "${name}" in ${where} as it must be a value, or a list of values without commas: current value is ${JSON.stringify(value)}`,
  );
}

/** The axes of given points: each name with the values that it takes. */
export function axesOf(points: readonly Point[]): Axis[] {
  const names = new Set(points.flatMap((point) => Object.keys(point)));
  return [...names].map((name) => {
    const values = points.flatMap((point) => (name in point ? [point[name]] : []));
    return { name, kind: 'list', values: [...new Set(values)] };
  });
}
