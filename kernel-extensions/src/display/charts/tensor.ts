import { ANYTHING, checkOptions, type Rules } from '@flowbook/sdk/option-rules';
import { Drawing } from '../drawing';
import { compact, format } from '../numbers';
import { chartSpec } from '../rendering/chart-spec';
import { textWidth } from '../rendering/font';
import { colour, config } from '../rendering/theme';
import type { VegaLitePart } from '../rendering/vega-lite-spec';
import { numberWarnings, summarise } from '../statistics';
import { describeTensor, readNumbers, type TensorLike } from '../tensor-like';
import { histogram } from './histogram';

/** Options of `tensor()`. */
export interface TensorOptions {
  /** A name for the title, such as a parameter's. */
  name?: string;
  bins?: number;
}

/** Up to so many rows and columns a tensor is drawn number by number. */
const readableSide = 12;

const RULES: Rules<TensorOptions> = {
  name: ANYTHING,
  bins: ANYTHING,
};

/**
 * A tensor at a glance: shape, dtype, statistics, and a histogram of its values; a vector or matrix
 * of at most 12 by 12 is shown number by number. NaN and infinite values are counted on the chart.
 *
 * @throws if the tensor was disposed or holds strings.
 * @example
 * const values = { shape: [2, 2], dtype: 'float32', dataSync: () => Float32Array.of(1, 2, 3, 4) };
 * const drawing = tensor(values, { name: 'weight' });
 */
export function tensor(value: TensorLike, options: TensorOptions = {}): Drawing {
  checkOptions('draw a tensor', options, RULES);
  const { name, bins } = options;
  const numbers = readNumbers(value);
  const kind = describeTensor(value);
  const title = name === undefined ? `Tensor ${kind}` : `${name}: ${kind}`;
  const { shape } = value;
  const columns = shape.length === 0 ? 1 : shape[shape.length - 1];
  const small =
    shape.length <= 2 && numbers.length > 0 && Math.max(columns, ...shape) <= readableSide;
  const drawing = small
    ? numberGrid(title, numbers, columns, shape.length)
    : histogram({ name: 'tensor', title, label: 'value', values: numbers, bins });
  return new Drawing({
    name: 'tensor',
    spec: drawing.spec,
    text: `${drawing.text}\n${preview(numbers, columns)}`,
  });
}

function numberGrid(
  title: string,
  numbers: ArrayLike<number>,
  columns: number,
  rank: number,
): Drawing {
  const summary = summarise(numbers);
  const warnings = numberWarnings(summary);
  const limit = Math.max(Math.abs(summary.min), Math.abs(summary.max)) || 1;
  const cells = Array.from(numbers, (value, index) => ({
    row: Math.floor(index / columns),
    column: index % columns,
    value: compact(value),
    label: format(value),
    // Dark cells take white text.
    dark: Math.abs(value) > 0.65 * limit,
  }));
  const rows = numbers.length / columns;
  const subtitle = `mean ${format(summary.mean)}  ·  std ${format(summary.std)}`;
  const axis = { orient: 'top', title: null, labelAngle: 0, domain: false, ticks: false };
  const position = {
    x: { field: 'column', type: 'ordinal', axis: rank < 1 ? null : axis },
    y: {
      field: 'row',
      type: 'ordinal',
      axis: rank < 2 ? null : { ...axis, orient: 'left', grid: false },
    },
  };
  const spec = chartSpec(
    { title, subtitle, warnings, description: `${title}, number by number; ${subtitle}.` },
    {
      width: columns * cellWidth(cells.map(({ label }) => label)),
      height: rows * 30,
      data: { values: cells },
      encoding: position,
      layer: [cellLayer(limit), { mark: 'text', encoding: cellText() }],
    },
  );
  const text = [`${title}: ${subtitle}`, ...warnings.map((warning) => `⚠ ${warning}`)].join('\n');
  return new Drawing({ name: 'tensor', spec, text });
}

/** In pixels, with room for the longest number. */
function cellWidth(labels: readonly string[]): number {
  const widest = Math.max(...labels.map((label) => textWidth(label, config.text.fontSize)));
  return Math.max(62, Math.ceil(widest) + 12);
}

function cellLayer(limit: number): VegaLitePart {
  return {
    mark: { type: 'rect', stroke: colour.card, strokeWidth: 2 },
    encoding: {
      color: {
        field: 'value',
        type: 'quantitative',
        scale: {
          domain: [-limit, 0, limit],
          range: [colour.vermilion, '#f3f5f7', colour.blue],
          interpolate: 'rgb',
        },
        legend: null,
      },
      tooltip: [
        { field: 'row', title: 'row' },
        { field: 'column', title: 'column' },
        { field: 'label', title: 'value' },
      ],
    },
  };
}

function cellText(): VegaLitePart {
  return {
    text: { field: 'label' },
    color: { condition: { test: 'datum.dark', value: '#ffffff' }, value: colour.ink },
  };
}

/** The first numbers as text, up to six rows of eight. */
function preview(numbers: ArrayLike<number>, columns: number): string {
  if (numbers.length === 0) return '[]';
  const rows: string[] = [];
  const total = numbers.length / columns;
  for (let row = 0; row < Math.min(total, 6); row++) {
    const shown = Array.from({ length: Math.min(columns, 8) }, (_, i) =>
      format(numbers[row * columns + i]),
    );
    rows.push(`[${shown.join(', ')}${columns > 8 ? ', …' : ''}]`);
  }
  if (total > 6) rows.push('…');
  return rows.join('\n');
}
