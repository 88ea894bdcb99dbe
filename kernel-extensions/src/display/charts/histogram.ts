import { Drawing } from '../drawing';
import { compact, format, plural } from '../numbers';
import { chartSpec } from '../rendering/chart-spec';
import { chartWidth, colour } from '../rendering/theme';
import type { VegaLitePart } from '../rendering/vega-lite-spec';
import { countBins, numberWarnings, type Summary, summarise } from '../statistics';

/** What a histogram shows beside its bars. */
export interface HistogramParts {
  name: string;
  title: string;
  /** What the values are, with their unit: the axis title. */
  label: string;
  values: ArrayLike<number>;
  /** Parts of the subtitle before the statistics. */
  facts?: string[];
  warnings?: string[];
  /** A shaded interval: values inside it are left alone, values outside are clipped. */
  band?: { low: number; high: number; label: string };
  /** A line at a value that matters, such as ratio 1. */
  mark?: { at: number; label: string };
  bins?: number;
}

/** Bars over an interval, with mean and spread in words, a band, a mark, and warnings. */
export function histogram(parts: HistogramParts): Drawing {
  const { name, title, label, values, facts = [], band, mark, bins = 40 } = parts;
  const summary = summarise(values);
  const warnings = [...numberWarnings(summary), ...(parts.warnings ?? [])];
  const rows = countBins(values, bins, summary).map(({ low, high, count }) => ({
    low,
    high,
    count,
    interval: `${format(low)} to ${format(high)}`,
  }));
  const subtitle = [...facts, statisticsText(summary)].join('  ·  ');
  const spec = chartSpec(
    {
      title,
      subtitle,
      warnings,
      description: `Histogram of ${label}: ${subtitle}.`,
    },
    {
      width: chartWidth,
      height: 200,
      layer: [
        ...(band ? bandLayers(band, label) : []),
        barLayer(rows, label),
        ...(mark ? markLayers(mark, label) : []),
      ],
    },
  );
  const text = [`${title}: ${subtitle}`, ...warnings.map((warning) => `⚠ ${warning}`)].join('\n');
  return new Drawing({ name, spec, text });
}

/** Mean, spread and range of numbers in one line. */
export function statisticsText({ count, mean, std, min, max }: Summary): string {
  return `${plural(count, 'value')}  ·  mean ${format(mean)}  ·  std ${format(std)}  ·  ${format(min)} to ${format(max)}`;
}

function valueAxis(label: string): VegaLitePart {
  return {
    type: 'quantitative',
    scale: { zero: false, nice: false, padding: 8 },
    axis: { title: label, tickCount: 8 },
  };
}

function barLayer(
  rows: { low: number; high: number; count: number }[],
  label: string,
): VegaLitePart {
  return {
    data: { values: rows },
    mark: { type: 'bar', color: colour.blue, xOffset: 0.5, x2Offset: -0.5 },
    encoding: {
      x: { field: 'low', ...valueAxis(label) },
      x2: { field: 'high' },
      y: {
        field: 'count',
        type: 'quantitative',
        axis: { title: 'number of values', tickCount: 4, format: '~s' },
      },
      tooltip: [
        { field: 'interval', title: label },
        { field: 'count', title: 'values' },
      ],
    },
  };
}

function bandLayers(
  { low, high, label: text }: { low: number; high: number; label: string },
  label: string,
): VegaLitePart[] {
  const data = { values: [{ low: compact(low), high: compact(high), text }] };
  return [
    {
      data,
      mark: { type: 'rect', color: colour.orange, opacity: 0.16 },
      encoding: { x: { field: 'low', ...valueAxis(label) }, x2: { field: 'high' } },
    },
    {
      data,
      mark: {
        type: 'text',
        align: 'left',
        baseline: 'bottom',
        dy: -5,
        color: '#8a5a00',
        fontWeight: 600,
      },
      encoding: {
        x: { field: 'low', ...valueAxis(label) },
        y: { value: 0 },
        text: { field: 'text' },
      },
    },
  ];
}

function markLayers(
  { at, label: text }: { at: number; label: string },
  label: string,
): VegaLitePart[] {
  const data = { values: [{ at: compact(at), text }] };
  const x = { field: 'at', ...valueAxis(label) };
  return [
    { data, mark: { type: 'rule', color: colour.ink, strokeDash: [4, 3] }, encoding: { x } },
    {
      data,
      mark: { type: 'text', align: 'left', baseline: 'top', dx: 5, dy: 3 },
      encoding: { x, y: { value: 0 }, text: { field: 'text' } },
    },
  ];
}
