import { pixel } from '../rendering/pixel-position';
import { chartWidth, colour } from '../rendering/theme';
import type { VegaLitePart } from '../rendering/vega-lite-spec';

/** A frame of the strip. */
export interface FilmFrame {
  frame: number;
  url: string;
  label: string;
  /** Broken into lines. */
  note: string;
}

export const noteWidth = 260;
export const noteSize = 12;
export const noteLines = 10;

const gap = 4;
export const largeWidth = 256;
const largestHeight = 320;
const belowLarge = 18;
const smallestThumb = 34;

/** The frame that the slider chose, large with its words, above all frames in small. */
export function filmstripView(frames: readonly FilmFrame[], aspect: number): VegaLitePart {
  const width = Math.min(largeWidth, Math.round(largestHeight / aspect));
  const height = Math.round(width * aspect);
  const thumb = thumbSize(frames.length);
  const thumbHeight = Math.max(4, Math.round(thumb * Math.min(2, aspect)));
  const perRow = Math.floor((chartWidth + gap) / (thumb + gap));
  const cells = frames.map(({ frame, ...rest }) => ({
    ...rest,
    frame,
    x: (frame % perRow) * (thumb + gap),
    y: height + belowLarge + Math.floor(frame / perRow) * (thumbHeight + gap),
    right: (frame % perRow) * (thumb + gap) + thumb,
    bottom: height + belowLarge + Math.floor(frame / perRow) * (thumbHeight + gap) + thumbHeight,
  }));
  const rows = Math.ceil(frames.length / perRow);
  const isShown = { filter: 'datum.frame == frame' };
  const place = { x: { value: 0 }, y: { value: 0 } };
  const last = frames.length - 1;
  return {
    params: [
      {
        name: 'frame',
        value: last,
        bind: { input: 'range', min: 0, max: Math.max(1, last), step: 1, name: 'frame ' },
      },
    ],
    width: chartWidth,
    height: height + belowLarge + rows * (thumbHeight + gap) - gap,
    data: { values: cells },
    layer: [
      {
        transform: [isShown],
        mark: imageMark(width, height),
        encoding: { ...place, url: { field: 'url', type: 'nominal' } },
      },
      words('label', width, 0, true),
      words('note', width, 22, false),
      {
        mark: imageMark(thumb, thumbHeight),
        encoding: {
          x: pixel('x'),
          y: pixel('y'),
          url: { field: 'url', type: 'nominal' },
          tooltip: [{ field: 'label', title: 'frame' }],
        },
      },
      {
        transform: [isShown],
        mark: {
          type: 'rect',
          filled: false,
          stroke: colour.vermilion,
          strokeWidth: 3,
          aria: false,
        },
        encoding: {
          x: pixel('x'),
          y: pixel('y'),
          x2: { field: 'right' },
          y2: { field: 'bottom' },
        },
      },
    ],
  };
}

/** As wide as fits in one row, not below what can be seen. */
function thumbSize(count: number): number {
  const fitting = Math.floor((chartWidth + gap) / count) - gap;
  return Math.max(smallestThumb, Math.min(80, fitting));
}

function imageMark(width: number, height: number): VegaLitePart {
  return {
    type: 'image',
    align: 'left',
    baseline: 'top',
    width,
    height,
    aspect: false,
    smooth: false,
    aria: false,
  };
}

/** Words of the chosen frame, to the right of it. */
function words(field: string, left: number, top: number, bold: boolean): VegaLitePart {
  return {
    transform: [{ filter: 'datum.frame == frame' }],
    mark: {
      type: 'text',
      align: 'left',
      baseline: 'top',
      fontSize: noteSize,
      lineHeight: noteSize + 4,
      lineBreak: '\n',
      ...(bold && { fontWeight: 'bold' }),
    },
    encoding: {
      x: { value: left + 14 },
      y: { value: top + 2 },
      text: { field },
    },
  };
}
