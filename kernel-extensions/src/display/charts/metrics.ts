import { Drawing } from '../drawing';
import { format, plural } from '../numbers';
import { chartSpec } from '../rendering/chart-spec';
import { colour } from '../rendering/theme';
import type { VegaLitePart } from '../rendering/vega-lite-spec';
import { groupNeighbours, type LogRow, meanOf, numberAt } from './log-rows';

/** Options of `metrics()`. */
export interface MetricsOptions {
  /** The metrics to show, in order. Default: every field with numbers but `step` and `seconds`. */
  fields?: readonly string[];
  title?: string;
}

interface MetricLine {
  name: string;
  first: number;
  last: number;
  low: number;
  high: number;
  /** Means of neighbouring steps, enough for a small line. */
  course: number[];
  broken: number;
}

/**
 * A table of a run's metrics: last value, first value, range, and a small line of its course.
 *
 * @param log rows in the order of their steps, or one record of numbers.
 * @throws if no field holds numbers.
 * @example
 * const drawing = metrics([
 *   { step: 0, reward: 0.8, loss: 0.01 },
 *   { step: 1, reward: 0.9, loss: 0.02 },
 * ]);
 */
export function metrics(
  log: readonly LogRow[] | Readonly<Record<string, unknown>>,
  { fields, title = 'Metrics' }: MetricsOptions = {},
): Drawing {
  const rows = Array.isArray(log) ? (log as LogRow[]) : [{ step: 0, ...(log as object) } as LogRow];
  const lines = (fields ?? numericFields(rows)).map((field) => metricLine(rows, field));
  if (lines.length === 0) {
    throw new Error(
      `Cannot draw metrics as rows must have fields with numbers: current value is ${plural(rows.length, 'row')} without`,
    );
  }
  const steps =
    rows.length > 1
      ? `${plural(rows.length, 'step')}, to step ${rows[rows.length - 1].step}`
      : undefined;
  const warnings = lines
    .filter(({ broken }) => broken > 0)
    .map(({ name, broken }) => `${name} is not finite in ${plural(broken, 'step')}.`);
  const spec = chartSpec(
    {
      title,
      subtitle: steps,
      warnings,
      description: `Table of ${plural(lines.length, 'metric')}: ${lines.map(({ name, last }) => `${name} ${format(last)}`).join(', ')}.`,
    },
    tableView(lines, rows.length > 1),
  );
  return new Drawing({ name: 'metrics', spec, text: tableText(title, lines, warnings) });
}

function numericFields(rows: readonly LogRow[]): string[] {
  const names = new Set(rows.flatMap((row) => Object.keys(row)));
  return [...names].filter(
    (name) =>
      name !== 'step' && name !== 'seconds' && rows.some((row) => typeof row[name] === 'number'),
  );
}

function metricLine(rows: readonly LogRow[], name: string): MetricLine {
  const present = rows.filter((row) => row[name] !== undefined).map((row) => numberAt(row, name));
  const finite = present.filter(Number.isFinite);
  return {
    name,
    first: present[0] ?? NaN,
    last: present[present.length - 1] ?? NaN,
    low: Math.min(
      ...finite.slice(0, 1),
      ...groupNeighbours(finite, 1000).map((group) => Math.min(...group)),
    ),
    high: Math.max(
      ...finite.slice(0, 1),
      ...groupNeighbours(finite, 1000).map((group) => Math.max(...group)),
    ),
    course: groupNeighbours(present, 120).map(meanOf).filter(Number.isFinite),
    broken: present.length - finite.length,
  };
}

const rowHeight = 30;
const sparkHeight = 18;
const sparkWidth = 130;

/** Positions are screen pixels: no scales, no axes. */
function pixel(field: string): VegaLitePart {
  return { field, type: 'quantitative', scale: null, axis: null };
}

function tableView(lines: MetricLine[], hasCourse: boolean): VegaLitePart {
  const nameWidth = Math.min(260, Math.max(90, ...lines.map(({ name }) => name.length * 7.2)));
  const last = nameWidth + 80;
  const first = last + 80;
  const span = first + 150;
  const width = hasCourse ? span + 24 + sparkWidth : last;
  const centre = (row: number) => row * rowHeight + rowHeight / 2;
  const cells = lines.flatMap((line, row) => [
    { x: 0, y: centre(row), text: line.name, align: 'left', tone: colour.ink },
    {
      x: last,
      y: centre(row),
      text: format(line.last),
      align: 'right',
      tone: colour.ink,
      strong: true,
    },
    ...(hasCourse
      ? [
          {
            x: first,
            y: centre(row),
            text: format(line.first),
            align: 'right',
            tone: colour.muted,
          },
          {
            x: span,
            y: centre(row),
            text: `${format(line.low)} to ${format(line.high)}`,
            align: 'right',
            tone: colour.muted,
          },
        ]
      : []),
  ]);
  const headings = [
    { x: last, y: -10, text: hasCourse ? 'last' : 'value', align: 'right', tone: colour.muted },
    ...(hasCourse
      ? [
          { x: first, y: -10, text: 'first', align: 'right', tone: colour.muted },
          { x: span, y: -10, text: 'range', align: 'right', tone: colour.muted },
          { x: span + 24, y: -10, text: 'course', align: 'left', tone: colour.muted },
        ]
      : []),
  ];
  const all = [...headings, ...cells].map((cell) => ({ strong: false, ...cell }));
  const textLayer = (align: string, strong: boolean) => ({
    data: { values: all.filter((cell) => cell.align === align && cell.strong === strong) },
    mark: {
      type: 'text',
      align,
      baseline: 'middle',
      fontSize: 12,
      ...(strong && { fontWeight: 'bold' }),
    },
    encoding: {
      x: pixel('x'),
      y: pixel('y'),
      text: { field: 'text' },
      color: { field: 'tone', type: 'nominal', scale: null },
    },
  });
  return {
    width,
    height: lines.length * rowHeight,
    layer: [
      {
        data: { values: lines.map((_, row) => ({ y: row * rowHeight })) },
        mark: { type: 'rule', color: colour.grid },
        encoding: { y: pixel('y'), x: { value: 0 }, x2: { value: width } },
      },
      textLayer('left', false),
      textLayer('right', false),
      textLayer('right', true),
      ...(hasCourse ? sparkLayers(lines, span + 24) : []),
    ],
  };
}

function sparkLayers(lines: MetricLine[], left: number): VegaLitePart[] {
  const points = lines.flatMap(({ name, course }, row) => {
    const low = Math.min(...course);
    const high = Math.max(...course);
    const pad = (rowHeight - sparkHeight) / 2;
    return course.map((value, i) => ({
      name,
      x: left + (course.length > 1 ? (i * sparkWidth) / (course.length - 1) : 0),
      y: row * rowHeight + pad + sparkHeight * (high > low ? (high - value) / (high - low) : 0.5),
      end: i === course.length - 1,
    }));
  });
  const encoding = { x: pixel('x'), y: pixel('y') };
  return [
    {
      data: { values: points },
      mark: { type: 'line', color: colour.blue, strokeWidth: 1.5 },
      encoding: { ...encoding, detail: { field: 'name', type: 'nominal' } },
    },
    {
      data: { values: points.filter(({ end }) => end) },
      mark: { type: 'point', filled: true, color: colour.vermilion, size: 28, opacity: 1 },
      encoding,
    },
  ];
}

function tableText(title: string, lines: MetricLine[], warnings: string[]): string {
  const width = Math.max(...lines.map(({ name }) => name.length), 6);
  return [
    title,
    `${'metric'.padEnd(width)}  ${['last', 'first', 'least', 'greatest'].map((name) => name.padStart(10)).join('')}`,
    ...lines.map(
      ({ name, last, first, low, high }) =>
        `${name.padEnd(width)}  ${[last, first, low, high].map((value) => format(value).padStart(10)).join('')}`,
    ),
    ...warnings.map((warning) => `⚠ ${warning}`),
  ].join('\n');
}
