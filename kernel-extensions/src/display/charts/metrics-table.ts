import { format } from '../numbers';
import { pixel } from '../rendering/pixel-position';
import { colour } from '../rendering/theme';
import type { VegaLitePart } from '../rendering/vega-lite-spec';

/** A metric's row in the table. */
export interface MetricLine {
  name: string;
  first: number;
  last: number;
  low: number;
  high: number;
  /** Means of neighbouring steps, enough for a small line. */
  course: number[];
  broken: number;
}

const rowHeight = 30;
const sparkHeight = 18;
const sparkWidth = 130;

/** The table: names, numbers in columns, a small line of each metric's course. */
export function metricsTable(lines: MetricLine[], hasCourse: boolean): VegaLitePart {
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
