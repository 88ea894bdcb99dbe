import { formatBytes } from '@flowbook/sdk/format-bytes';
import { format, plural } from '../numbers';
import { pixel } from '../rendering/pixel-position';
import { colour } from '../rendering/theme';
import type { VegaLitePart } from '../rendering/vega-lite-spec';
import { wrapText } from '../rendering/wrap-text';
import type { ModelNode } from './model-nodes';

const rowHeight = 20;
const indent = 14;
const textSize = 11;
const nameWidth = 230;
const shapeAt = nameWidth + 8;
const countAt = shapeAt + 170;
const barAt = countAt + 8;
const barWidth = 70;
const rmsAt = barAt + barWidth + 60;
const gradientAt = rmsAt + 70;
const gradientBarAt = gradientAt + 8;

/** A row a node: its name, what it is, its parameters as number and bar, its weights' and gradient's size. */
export function modelTreeView(nodes: readonly ModelNode[], root: ModelNode): VegaLitePart {
  const hasGradients = Number.isFinite(root.gradient);
  const longest = Math.max(...nodes.slice(1).map(({ gradient }) => gradient || 0), 0);
  const rows = nodes.map((node, row) => {
    const left = Math.max(0, node.depth) * indent;
    return {
      y: row * rowHeight,
      middle: row * rowHeight + rowHeight / 2,
      left,
      name: wrapText(node.name, nameWidth - left, textSize, 1)[0],
      whole: node.name,
      what: node.shape ? `(${node.shape.join(', ')})` : plural(node.tensors, 'tensor'),
      count: format(node.parameters),
      size: formatBytes(node.bytes),
      barStart: barAt,
      barEnd: barAt + Math.max(1, (barWidth * node.parameters) / root.parameters),
      top: row * rowHeight + 5,
      bottom: row * rowHeight + rowHeight - 5,
      rms: format(node.rms),
      slope: Number.isFinite(node.gradient) ? format(node.gradient) : '',
      slopeStart: gradientBarAt,
      slopeEnd:
        gradientBarAt +
        (longest > 0 && node.gradient > 0
          ? (barWidth * Math.min(node.gradient, longest)) / longest
          : 0),
      tone: node.broken > 0 ? colour.alarm : colour.ink,
      broken: node.broken,
    };
  });
  const columns: [field: string, at: number, align: string, heading: string][] = [
    ['what', shapeAt, 'left', 'shape'],
    ['count', countAt, 'right', 'parameters'],
    ['rms', rmsAt, 'right', 'RMS'],
    ...(hasGradients
      ? [['slope', gradientAt, 'right', 'gradient'] as [string, number, string, string]]
      : []),
  ];
  return {
    width: hasGradients ? gradientBarAt + barWidth : rmsAt,
    height: rows.length * rowHeight,
    data: { values: rows },
    layer: [
      {
        mark: { type: 'rule', color: colour.grid },
        encoding: {
          y: pixel('y'),
          x: { value: 0 },
          x2: { value: hasGradients ? gradientBarAt + barWidth : rmsAt },
        },
      },
      {
        mark: { type: 'text', align: 'left', baseline: 'middle', fontSize: textSize },
        encoding: {
          x: pixel('left'),
          y: pixel('middle'),
          text: { field: 'name' },
          color: { field: 'tone', type: 'nominal', scale: null },
          tooltip: tooltip(hasGradients),
        },
      },
      ...columns.map(([field, at, align]) => ({
        mark: {
          type: 'text',
          align,
          baseline: 'middle',
          fontSize: textSize,
          color: field === 'what' ? colour.muted : colour.ink,
        },
        encoding: { x: { value: at }, y: pixel('middle'), text: { field } },
      })),
      bar('barStart', 'barEnd', colour.blue, hasGradients),
      ...(hasGradients ? [bar('slopeStart', 'slopeEnd', colour.orange, hasGradients)] : []),
      ...columns.map(([, at, align, heading]) => ({
        data: { values: [{ heading }] },
        mark: { type: 'text', align, baseline: 'bottom', fontSize: textSize, color: colour.muted },
        encoding: { x: { value: at }, y: { value: -4 }, text: { field: 'heading' } },
      })),
    ],
  };
}

function bar(from: string, to: string, hue: string, hasGradients: boolean): VegaLitePart {
  return {
    mark: { type: 'rect', color: hue },
    encoding: {
      x: pixel(from),
      x2: { field: to },
      y: pixel('top'),
      y2: { field: 'bottom' },
      tooltip: tooltip(hasGradients),
    },
  };
}

function tooltip(hasGradients: boolean): VegaLitePart[] {
  return [
    { field: 'whole', title: 'part' },
    { field: 'what', title: 'shape' },
    { field: 'count', title: 'parameters' },
    { field: 'size', title: 'memory' },
    { field: 'rms', title: 'root mean square' },
    ...(hasGradients ? [{ field: 'slope', title: 'length of the gradient' }] : []),
    { field: 'broken', title: 'not finite' },
  ];
}
