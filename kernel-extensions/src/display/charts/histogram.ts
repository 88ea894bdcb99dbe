import { Drawing } from '../drawing';
import { format, plural } from '../numbers';
import { chartSpec } from '../rendering/chart-spec';
import { chartWidth, colour } from '../rendering/theme';
import type { VegaLitePart } from '../rendering/vega-lite-spec';
import { type Bin, countBins, numberWarnings, type Summary, summarise } from '../statistics';

/** What a histogram shows beside its bars. */
export interface HistogramParts {
  name: string;
  title: string;
  /** What the values are, with their unit: the axis title. */
  label: string;
  values: ArrayLike<number>;
  /** Parts of the subtitle before the statistics. */
  facts?: string[];
  /** The statistics in words, where the usual ones would say little. */
  statistics?: (summary: Summary) => string;
  warnings?: string[];
  /** A shaded interval: values inside it are left alone, values outside are clipped. */
  band?: { low: number; high: number; label: string };
  /** A value that matters, such as ratio 1: a dashed line. */
  mark?: number;
  bins?: number;
}

/** Bars over an interval, with mean and spread in words, a band, a mark, and warnings. */
export function histogram(parts: HistogramParts): Drawing {
  const {
    name,
    title,
    label,
    values,
    facts = [],
    statistics = statisticsText,
    band,
    mark,
    bins = 41,
  } = parts;
  const summary = summarise(values);
  const warnings = [...numberWarnings(summary), ...(parts.warnings ?? [])];
  const [low, high] = valueRange(summary, band);
  const rows = countBins(values, bins, low, high)
    .filter(({ count }) => count > 0)
    .map((bin) => ({ ...bin, interval: `${format(bin.low)} to ${format(bin.high)}` }));
  const x = {
    type: 'quantitative',
    scale: { domain: [low, high], nice: false },
    axis: { title: label, tickCount: 8 },
  };
  const subtitle = [...facts, statistics(summary)].join('  ·  ');
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
        ...(band ? bandLayers(band, x) : []),
        barLayer(rows, label, x),
        ...(mark === undefined ? [] : [markLayer(mark, x)]),
      ],
    },
  );
  const text = [`${title}: ${subtitle}`, ...warnings.map((warning) => `⚠ ${warning}`)].join('\n');
  return new Drawing({ name, spec, text });
}

/** Mean, spread and range of numbers in one line. */
function statisticsText({ count, finite, mean, std, min, max }: Summary): string {
  if (finite === 0) return plural(count, 'value');
  return `${plural(count, 'value')}  ·  mean ${format(mean)}  ·  std ${format(std)}  ·  ${format(min)} to ${format(max)}`;
}

/** What the axis covers: the values and the band, with room around values that are all equal. */
function valueRange(
  { min, max }: Summary,
  band: HistogramParts['band'],
): [low: number, high: number] {
  const low = Math.min(...[min, band?.low ?? min].filter(Number.isFinite));
  const high = Math.max(...[max, band?.high ?? max].filter(Number.isFinite));
  if (low > high) return [-1, 1];
  const room = low === high ? Math.abs(low) * 0.1 || 1 : (high - low) * 0.02;
  return [low - room, high + room];
}

function barLayer(rows: Bin[], label: string, x: VegaLitePart): VegaLitePart {
  return {
    data: { values: rows },
    mark: { type: 'rect', color: colour.blue, xOffset: 0.5, x2Offset: -0.5 },
    encoding: {
      x: { ...x, field: 'low' },
      x2: { field: 'high' },
      y: {
        field: 'count',
        type: 'quantitative',
        axis: { title: 'number of values', tickCount: 4, tickMinStep: 1, format: '~s' },
        ...(rows.length === 0 && { scale: { domain: [0, 1] } }),
      },
      y2: { datum: 0 },
      tooltip: [
        { field: 'interval', title: label },
        { field: 'count', title: 'values' },
      ],
    },
  };
}

function bandLayers(
  { low, high, label }: { low: number; high: number; label: string },
  x: VegaLitePart,
): VegaLitePart[] {
  const data = { values: [{ low, high, label }] };
  return [
    {
      data,
      mark: { type: 'rect', color: colour.orange, opacity: 0.16 },
      encoding: { x: { ...x, field: 'low' }, x2: { field: 'high' } },
    },
    {
      data,
      mark: {
        type: 'text',
        align: 'left',
        baseline: 'bottom',
        dy: -5,
        color: colour.amber,
        fontWeight: 600,
      },
      encoding: { x: { ...x, field: 'low' }, y: { value: 0 }, text: { field: 'label' } },
    },
  ];
}

/** A value that matters, as a dashed line from top to bottom. */
function markLayer(at: number, x: VegaLitePart): VegaLitePart {
  return {
    data: { values: [{ at }] },
    mark: { type: 'rule', color: colour.ink, strokeDash: [4, 3] },
    encoding: { x: { ...x, field: 'at' } },
  };
}
