import { pixel } from '../rendering/pixel-position';
import { chartWidth, colour } from '../rendering/theme';
import type { VegaLitePart } from '../rendering/vega-lite-spec';

/** A state of the trajectory. */
export interface LatentColumn {
  [field: string]: string | number | null;
  state: number;
  label: string;
  mean: number | null;
  std: number | null;
  min: number | null;
  max: number | null;
  logProb: number | null;
}

/** What `latentsView()` draws. */
export interface LatentsViewParts {
  columns: LatentColumn[];
  rows: { label: string; urls: string[] }[];
  /** Height of a tile divided by its width. */
  aspect: number;
  /** The value with full colour. */
  limit: number;
}

const gap = 6;

/** Tiles in a grid above a line with the states' statistics, column below column. */
export function latentsView({ columns, rows, aspect, limit }: LatentsViewParts): VegaLitePart {
  const tile = Math.max(28, Math.min(80, Math.floor((chartWidth + gap) / columns.length) - gap));
  const tileHeight = Math.round(Math.min(2, aspect) * tile);
  const width = columns.length * (tile + gap) - gap;
  const centre = (index: number) => index * (tile + gap) + tile / 2;
  const tiles = rows.flatMap((row, r) =>
    columns.map((column, c) => ({
      ...column,
      row: row.label,
      url: row.urls[c],
      x: c * (tile + gap),
      y: r * (tileHeight + gap),
    })),
  );
  const headings = columns.map(({ label }, c) => ({ label, x: centre(c) }));
  const names = rows.map(({ label }, r) => ({ label, y: r * (tileHeight + gap) + tileHeight / 2 }));
  const states = columns.map((column, c) => ({
    ...column,
    x: centre(c),
    low: column.mean === null || column.std === null ? null : column.mean - column.std,
    high: column.mean === null || column.std === null ? null : column.mean + column.std,
  }));
  return {
    spacing: 26,
    vconcat: [
      {
        width,
        height: rows.length * (tileHeight + gap) - gap,
        layer: [
          tileLayer(tiles, tile, tileHeight),
          textLayer(headings, { y: { value: -9 }, x: pixel('x') }, 'center'),
          textLayer(names, { x: { value: -12 }, y: pixel('y') }, 'right'),
        ],
      },
      statisticsView(states, width, limit),
    ],
  };
}

function tileLayer(tiles: VegaLitePart[], width: number, height: number): VegaLitePart {
  return {
    data: { values: tiles },
    mark: {
      type: 'image',
      align: 'left',
      baseline: 'top',
      width,
      height,
      aspect: false,
      aria: false,
    },
    encoding: {
      x: pixel('x'),
      y: pixel('y'),
      url: { field: 'url', type: 'nominal' },
      tooltip: [{ field: 'row', title: 'row' }, ...statisticsTooltip],
    },
  };
}

const statisticsTooltip = [
  { field: 'label', title: 'state' },
  { field: 'mean', title: 'mean of the state' },
  { field: 'std', title: 'standard deviation' },
  { field: 'min', title: 'least' },
  { field: 'max', title: 'greatest' },
  { field: 'logProb', title: 'log-probability of the step to it' },
];

function textLayer(values: VegaLitePart[], position: VegaLitePart, align: string): VegaLitePart {
  return {
    data: { values },
    mark: { type: 'text', align, baseline: 'middle', color: colour.muted },
    encoding: { ...position, text: { field: 'label' } },
  };
}

function statisticsView(states: VegaLitePart[], width: number, limit: number): VegaLitePart {
  const x = {
    field: 'x',
    type: 'quantitative',
    scale: { domain: [0, width], nice: false },
    axis: null,
  };
  const y = (field: string) => ({
    field,
    type: 'quantitative',
    axis: { title: 'mean ± 1 std', tickCount: 3 },
    scale: { zero: true, ...(states.length === 0 && { domain: [-limit, limit] }) },
  });
  return {
    width,
    height: 80,
    data: { values: states },
    layer: [
      {
        mark: { type: 'area', color: colour.blue, opacity: 0.14 },
        encoding: { x, y: y('low'), y2: { field: 'high' } },
      },
      {
        mark: {
          type: 'line',
          color: colour.blue,
          strokeWidth: 2,
          point: { filled: true, size: 40, color: colour.blue },
        },
        encoding: { x, y: y('mean'), tooltip: statisticsTooltip },
      },
    ],
  };
}
