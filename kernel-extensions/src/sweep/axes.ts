import { namedParameter, type ParameterRule } from '../notebook/parameter-value';

/** One parameter of a sweep and the values that it takes. */
export type Axis =
  | { name: string; kind: 'list'; values: string[] }
  /** Numbers from `from` to `to`; by their logarithm, or whole ones, or any. */
  | { name: string; kind: 'range'; from: number; to: number; by: 'log' | 'whole' | 'any' };

/** A wrong sweep; the message names the parameter. */
export class SweepError extends Error {
  override readonly name = 'SweepError';
}

const range = /^(log:)?(-?[\d.]+(?:e[+-]?\d+)?)\.\.(-?[\d.]+(?:e[+-]?\d+)?)$/i;

/**
 * Reads the values of a sweep's parameter: `1e-4,3e-4` (a list; with `;` between values that are lists), `1..5` (whole numbers),
 * `log:1e-5..1e-3` and `0.1..0.9` (for random sweeps).
 *
 * @example
 * parseAxis('seed', '1..3'); // { name: 'seed', kind: 'range', from: 1, to: 3, by: 'whole' }
 */
export function parseAxis(name: string, text: string): Axis {
  const [, log, first, last] = range.exec(text) ?? [];
  if (first === undefined) {
    return {
      name,
      kind: 'list',
      values: text.split(text.includes(';') ? ';' : ',').map((one) => one.trim()),
    };
  }
  const [from, to] = [Number(first), Number(last)];
  if (!(from <= to) || (log && from <= 0)) {
    const rule = log ? 'log: needs numbers above 0 that rise' : 'a range must rise';
    throw new SweepError(`Cannot sweep "${name}" as ${rule}: current value is ${text}`);
  }
  const isWhole = Number.isInteger(from) && Number.isInteger(to);
  return { name, kind: 'range', from, to, by: log ? 'log' : isWhole ? 'whole' : 'any' };
}

/** Parameters of one run, as on the command line. */
export type Point = Record<string, string>;

/** Every combination of the axes' values, the last axis fastest. */
export function gridPoints(axes: readonly Axis[]): Point[] {
  let points: Point[] = [{}];
  for (const axis of axes) {
    const values = gridValues(axis);
    points = points.flatMap((point) => values.map((value) => ({ ...point, [axis.name]: value })));
  }
  return points;
}

function gridValues(axis: Axis): string[] {
  if (axis.kind === 'list') return axis.values;
  if (axis.by === 'whole') {
    return Array.from({ length: axis.to - axis.from + 1 }, (_, index) => String(axis.from + index));
  }
  throw new SweepError(
    `Cannot sweep "${axis.name}" as only ranges of whole numbers make a grid: use --random, or list the values`,
  );
}

/** Points drawn from the axes, each a function of the seed and its number. @param draw gives a number from 0 to 1 for a place. */
export function randomPoints(
  axes: readonly Axis[],
  count: number,
  draw: (point: number, axis: number) => number,
): Point[] {
  return Array.from({ length: count }, (_, point) =>
    Object.fromEntries(axes.map((axis, index) => [axis.name, valueAt(axis, draw(point, index))])),
  );
}

function valueAt(axis: Axis, at: number): string {
  if (axis.kind === 'list') return axis.values[Math.floor(at * axis.values.length)];
  const { from, to, by } = axis;
  if (by === 'whole') return String(from + Math.floor(at * (to - from + 1)));
  const value =
    by === 'log' ? Math.exp(Math.log(from) + at * Math.log(to / from)) : from + at * (to - from);
  return String(Number(value.toPrecision(4)));
}

/** @throws SweepError when a parameter is none of the notebook's, or a value does not follow its rule. */
export function checkPoints(
  points: readonly Point[],
  rules: ReadonlyMap<string, ParameterRule>,
): void {
  for (const given of points.flatMap((point) => Object.entries(point))) {
    namedParameter('sweep', rules, given, SweepError);
  }
}
