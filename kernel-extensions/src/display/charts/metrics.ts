import { ANYTHING, checkOptions, type Rules } from '@flowbook/sdk/option-rules';
import { Drawing } from '../drawing';
import { format, plural } from '../numbers';
import { refuse } from '../refuse';
import { chartSpec } from '../rendering/chart-spec';
import { groupNeighbours, type LogRow, type LogStep, meanOf, numberAt, openRows } from './log-rows';
import { type MetricLine, metricsTable } from './metrics-table';

const action = 'draw metrics';

/** Options of `metrics()`. */
export interface MetricsOptions {
  /** The metrics to show, in order. Default: every field with numbers but `step` and `seconds`. */
  fields?: readonly string[];
  title?: string;
}

const RULES: Rules<MetricsOptions> = {
  fields: ANYTHING,
  title: ANYTHING,
};

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
export function metrics<Step extends LogStep>(
  log: readonly Step[] | Readonly<Record<string, unknown>>,
  options: MetricsOptions = {},
): Drawing {
  checkOptions(action, options, RULES);
  const { fields, title = 'Metrics' } = options;
  const rows = openRows(action, isRows(log) ? log : [{ step: 0, ...log }]);
  const lines = (fields ?? numericFields(rows)).map((field) => metricLine(rows, field));
  if (lines.length === 0) {
    refuse(action, 'rows must have fields with numbers', `${plural(rows.length, 'row')} without`);
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
    metricsTable(lines, rows.length > 1),
  );
  return new Drawing({ name: 'metrics', spec, text: tableText(title, lines, warnings) });
}

function isRows(log: unknown): log is readonly LogStep[] {
  return Array.isArray(log);
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
