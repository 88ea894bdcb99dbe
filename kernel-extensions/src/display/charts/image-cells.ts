import { format } from '../numbers';
import { dataUrl, enlarge, reduce } from '../rendering/encode-png';
import { textWidth } from '../rendering/font';
import { colour } from '../rendering/theme';
import { wrapText } from '../rendering/wrap-text';
import type { Picture, Verdict } from './picture';

export const captionSize = 11;
export const captionLineHeight = 14;

const gap = 14;
/** Between a picture and its caption. */
const captionGap = 7;
const mostCaptionLines = 3;
const rowWidth = 640;
/** Characters of all pictures together, below the megabyte that notebooks bear well. */
const mostCharacters = 700_000;

/** A picture's place in the grid, in screen pixels, with its words. */
export interface ImageCell {
  [field: string]: string | number;
  number: number;
  url: string;
  x: number;
  y: number;
  right: number;
  bottom: number;
  width: number;
  height: number;
  caption: string;
  verdict: string;
  hue: string;
  /** The caption, broken to the picture's width. */
  lines: string;
  textX: number;
  textY: number;
}

/** A picture with its words. */
export interface CaptionedPicture {
  picture: Picture;
  caption: string;
  verdict: Verdict;
}

/** The grid: its cells and its size in screen pixels. */
export interface ImageGrid {
  cells: ImageCell[];
  width: number;
  height: number;
}

/** Lays pictures out in rows; a row is as high as its highest picture and its longest caption. */
export function imageGrid(
  items: readonly CaptionedPicture[],
  scale: number,
  columns: number | undefined,
): ImageGrid {
  const sizes = items.map(({ picture }) => ({
    width: Math.max(1, Math.round(picture.width * scale)),
    height: Math.max(1, Math.round(picture.height * scale)),
  }));
  const urls = encodeAll(
    items.map(({ picture }) => picture),
    scale,
  );
  const columnWidth = Math.max(...sizes.map(({ width }) => width));
  const perRow = columns ?? fittingColumns(items.length, columnWidth);

  const cells: ImageCell[] = [];
  let top = 0;
  for (let start = 0; start < items.length; start += perRow) {
    const row = items.slice(start, start + perRow);
    let bottom = top;
    row.forEach(({ caption, verdict }, column) => {
      const index = start + column;
      const { width, height } = sizes[index];
      const x = column * (columnWidth + gap);
      const mark = verdictText(verdict);
      const indent = mark === '' ? 0 : Math.ceil(textWidth(mark, captionSize, true)) + 6;
      const lines = wrapText(caption, columnWidth - indent, captionSize, mostCaptionLines);
      const lineCount = Math.max(lines.length, mark === '' ? 0 : 1);
      const captionHeight = lineCount === 0 ? 0 : captionGap + lineCount * captionLineHeight;
      bottom = Math.max(bottom, top + height + captionHeight);
      cells.push({
        number: index + 1,
        url: urls[index],
        x,
        y: top,
        right: x + width,
        bottom: top + height,
        width,
        height,
        caption,
        verdict: mark,
        hue: verdictColour(verdict),
        lines: lines.join('\n'),
        textX: x + indent,
        textY: top + height + captionGap,
      });
    });
    top = bottom + gap;
  }
  const drawnColumns = Math.min(perRow, items.length);
  return { cells, width: drawnColumns * (columnWidth + gap) - gap, height: top - gap };
}

/** As many columns as fit, fewer if the rows can then be of equal length. */
function fittingColumns(count: number, width: number): number {
  const most = Math.max(1, Math.floor((rowWidth + gap) / (width + gap)));
  return Math.ceil(count / Math.ceil(count / most));
}

/** Data URLs at screen size; all are reduced alike until they fit into a notebook. */
function encodeAll(pictures: readonly Picture[], scale: number): string[] {
  for (let factor = scale; ; factor /= 2) {
    const urls = pictures.map((picture) =>
      dataUrl(factor >= 1 ? enlarge(picture, Math.round(factor)) : reduce(picture, factor)),
    );
    const characters = urls.reduce((sum, url) => sum + url.length, 0);
    const side = Math.max(...pictures.map((picture) => picture.width * factor));
    if (characters <= mostCharacters || side < 16) return urls;
  }
}

function verdictText(verdict: Verdict): string {
  if (verdict === null || verdict === undefined) return '';
  if (typeof verdict === 'number') return format(verdict);
  return verdict ? '✓' : '✗';
}

function verdictColour(verdict: Verdict): string {
  if (typeof verdict !== 'boolean') return colour.line;
  return verdict ? colour.green : colour.vermilion;
}
