import { ANYTHING, checkOptions, type Rules } from '@flowbook/sdk/option-rules';
import { Drawing } from '../drawing';
import { compact, format, plural } from '../numbers';
import { refuse } from '../refuse';
import { requireRecord } from '../require-data';
import { chartSpec } from '../rendering/chart-spec';
import { chartWidth, colour } from '../rendering/theme';
import type { VegaLitePart } from '../rendering/vega-lite-spec';
import { groupNeighbours, meanOf, numberAt, openRows, smooth, type LogStep } from './log-rows';

/** Options of `curves()`. */
export interface CurvesOptions {
  /** The rows' field to draw. Default 'reward'. */
  field?: string;
  /** What the vertical axis shows. Default: the field. */
  label?: string;
  /** What the horizontal axis shows. Default 'training step'. */
  stepLabel?: string;
  /** Each point is the mean of this many rows around it. Default 1. */
  smoothing?: number;
  /** A value that matters, such as ratio 1: a dashed line. */
  mark?: number;
  title?: string;
}

const hues = [
  colour.blue,
  colour.vermilion,
  colour.green,
  colour.purple,
  colour.orange,
  colour.sky,
  colour.ink,
];
const mostPoints = 300;
const action = 'draw curves';

const RULES: Rules<CurvesOptions> = {
  field: ANYTHING,
  label: ANYTHING,
  stepLabel: ANYTHING,
  smoothing: ANYTHING,
  mark: ANYTHING,
  title: ANYTHING,
};

/**
 * One metric of several runs, a line a run: what changed between them shows as a distance between lines.
 *
 * @param runs by name: rows in the order of their steps, such as runs' logs. Rows without the field are passed over.
 * @throws if there are no runs by name, or more than seven, or one is no list of rows.
 * @example
 * const drawing = curves(
 *   {
 *     FlowGRPO: [{ step: 1, reward: 0.8 }, { step: 2, reward: 0.82 }],
 *     'GRPO-Guard': [{ step: 1, reward: 0.8 }, { step: 2, reward: 0.81 }],
 *   },
 *   { field: 'reward' },
 * );
 */
export function curves<Step extends LogStep>(
  runs: Readonly<Record<string, readonly Step[]>>,
  options: CurvesOptions = {},
): Drawing {
  checkOptions(action, options, RULES);
  return lineChart(runs, { name: 'curves', warnings: [], ...options });
}

/** Lines with a name for files and warnings of their own. */
export function lineChart<Step extends LogStep>(
  runs: Readonly<Record<string, readonly Step[]>>,
  options: CurvesOptions & { name: string; warnings: readonly string[] },
): Drawing {
  const { field = 'reward', label = field, stepLabel = 'training step' } = options;
  const { smoothing = 1, mark, title = label } = options;
  requireRecord(action, 'runs by name', runs);
  const names = Object.keys(runs);
  if (names.length === 0 || names.length > hues.length) {
    refuse(action, `there must be 1 to ${hues.length} runs`, names.length);
  }
  const lines = names.map((name) => {
    const rows = openRows(action, runs[name]).filter((row) => row[field] !== undefined);
    const values = rows.map((row) => numberAt(row, field));
    return { name, steps: rows.map(({ step }) => step), values, smooth: smooth(values, smoothing) };
  });
  const points = lines.flatMap((line) => {
    const at = groupNeighbours(line.steps, mostPoints);
    const means = groupNeighbours(line.smooth, mostPoints);
    return at.map((steps, i) => ({
      run: line.name,
      step: compact(meanOf(steps)),
      value: compact(meanOf(means[i])),
    }));
  });
  const broken = lines.filter(({ values }) => values.some((value) => !Number.isFinite(value)));
  const warnings = [
    ...options.warnings,
    ...broken.map(({ name }) => `${name} is not finite at some steps.`),
  ];
  if (points.length === 0) warnings.push('No steps yet.');
  const facts = smoothing > 1 ? `mean over ${plural(smoothing, 'step')}` : undefined;
  const ends = lines.map(({ name, values }) => `${name} ends at ${format(values.at(-1) ?? NaN)}`);
  const spec = chartSpec(
    {
      title,
      subtitle: facts,
      warnings,
      description: `Line chart of ${label} over ${stepLabel}, ${plural(names.length, 'run')}: ${ends.join('; ')}.`,
    },
    curvesView(points, { names, label, stepLabel, mark }),
  );
  const width = Math.max(...names.map((name) => name.length), 3);
  const text = [
    [title, facts].filter(Boolean).join(', '),
    ...warnings.map((warning) => `⚠ ${warning}`),
    `${'run'.padEnd(width)}  ${['first', 'last', 'least', 'greatest'].map((name) => name.padStart(10)).join('')}`,
    ...lines.map(({ name, values }) => `${name.padEnd(width)}  ${summary(values)}`),
  ];
  return new Drawing({ name: options.name, spec, text: text.join('\n') });
}

function summary(values: readonly number[]): string {
  const finite = values.filter(Number.isFinite);
  const ends = finite.length === 0 ? [NaN, NaN] : [Math.min(...finite), Math.max(...finite)];
  return [values[0] ?? NaN, values.at(-1) ?? NaN, ...ends]
    .map((value) => format(value).padStart(10))
    .join('');
}

function curvesView(
  points: readonly { step: number | null }[],
  parts: { names: string[]; label: string; stepLabel: string; mark: number | undefined },
): VegaLitePart {
  const { names, label, stepLabel, mark } = parts;
  const steps = points.map(({ step }) => step ?? 0);
  const span = Math.max(...steps, 1) - Math.min(...steps, Infinity);
  const x = {
    field: 'step',
    type: 'quantitative',
    scale: { zero: false, nice: false, ...(points.length === 0 && { domain: [0, 1] }) },
    axis: {
      title: stepLabel,
      ...(steps.length > 0 &&
        steps.every(Number.isInteger) && {
          tickMinStep: 1,
          tickCount: Math.max(1, Math.min(10, span)),
          format: 'd',
        }),
    },
  };
  const y = {
    field: 'value',
    type: 'quantitative',
    scale: { zero: false, ...(points.length === 0 && { domain: [0, 1] }) },
    axis: { title: label, tickCount: 6 },
  };
  const color = {
    field: 'run',
    type: 'nominal',
    scale: { domain: names, range: hues.slice(0, names.length) },
    legend: { title: null, orient: 'top', direction: 'horizontal', symbolType: 'stroke' },
  };
  const tooltip = [
    { field: 'run', title: 'run' },
    { field: 'step', title: stepLabel },
    { field: 'value', title: label },
  ];
  const rule = {
    data: { values: [{ value: mark }] },
    mark: { type: 'rule', color: colour.muted, strokeDash: [4, 4] },
    encoding: { y },
  };
  return {
    width: chartWidth,
    height: 220,
    layer: [
      ...(mark === undefined ? [] : [rule]),
      {
        data: { values: points },
        mark: { type: 'line', strokeWidth: 2.4, point: { filled: true, size: 22 } },
        encoding: { x, y, color, tooltip },
      },
    ],
  };
}
