import { pixel } from '../rendering/pixel-position';
import { colour } from '../rendering/theme';
import type { VegaLitePart } from '../rendering/vega-lite-spec';
import { captionLineHeight, captionSize, type ImageCell } from './image-cells';

/** Pictures, their frames, verdicts and captions, as layers over one table of cells. */
export function imageLayers(cells: ImageCell[]): VegaLitePart[] {
  const tooltip = [
    { field: 'number', title: 'picture' },
    ...(cells.some(({ caption }) => caption) ? [{ field: 'caption', title: 'caption' }] : []),
    ...(cells.some(({ verdict }) => verdict) ? [{ field: 'verdict', title: 'verdict' }] : []),
  ];
  // Vega-Lite has no encoding for an image's size: pictures of one size share a layer.
  const sizes = new Map(cells.map((cell) => [`${cell.width} ${cell.height}`, cell]));
  const pictureLayers = [...sizes.values()].map((cell) => ({
    transform: [{ filter: `datum.width == ${cell.width} && datum.height == ${cell.height}` }],
    mark: {
      type: 'image',
      align: 'left',
      baseline: 'top',
      width: cell.width,
      height: cell.height,
      aspect: false,
      aria: false,
    },
    encoding: { x: pixel('x'), y: pixel('y'), url: { field: 'url', type: 'nominal' }, tooltip },
  }));
  return [
    ...pictureLayers,
    {
      mark: { type: 'rect', filled: false, strokeWidth: 2, aria: false },
      encoding: {
        x: pixel('x'),
        y: pixel('y'),
        x2: { field: 'right' },
        y2: { field: 'bottom' },
        stroke: { field: 'hue', type: 'nominal', scale: null },
      },
    },
    {
      mark: {
        type: 'text',
        align: 'left',
        baseline: 'top',
        fontWeight: 'bold',
        fontSize: captionSize,
      },
      encoding: {
        x: pixel('x'),
        y: pixel('textY'),
        text: { field: 'verdict' },
        color: {
          condition: { test: `datum.hue == '${colour.line}'`, value: colour.ink },
          field: 'hue',
          type: 'nominal',
          scale: null,
        },
      },
    },
    {
      mark: {
        type: 'text',
        align: 'left',
        baseline: 'top',
        fontSize: captionSize,
        lineHeight: captionLineHeight,
        lineBreak: '\n',
      },
      encoding: { x: pixel('textX'), y: pixel('textY'), text: { field: 'lines' } },
    },
  ];
}
