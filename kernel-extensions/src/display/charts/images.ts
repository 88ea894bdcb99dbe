import { Drawing } from '../drawing';
import { format, plural } from '../numbers';
import { chartSpec } from '../rendering/chart-spec';
import { dataUrl, enlarge, reduce } from '../rendering/encode-png';
import { colour } from '../rendering/theme';
import type { VegaLitePart } from '../rendering/vega-lite-spec';
import { wrapText } from '../rendering/wrap-text';

/** A picture: rows of red, green, blue bytes, as the pipelines' `PixelImage`. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: 3;
  readonly data: Uint8Array;
}

/** Whether a picture passed; or its score; or a short remark. */
export type Verdict = boolean | number | string | null | undefined;

/** Options of `images()`. */
export interface ImagesOptions {
  /** A line of plain text for each picture. */
  captions?: readonly string[];
  /** Pictures in a row. Default: as many as fit into 640 pixels, in rows of equal length. */
  columns?: number;
  /** Screen pixels for each pixel of a picture. Default: pictures are about 128 pixels wide. */
  scale?: number;
  /** For each picture: passed or not (a green ✓, a red ✗), a score, or a remark. */
  verdicts?: readonly Verdict[];
  title?: string;
}

const rowWidth = 640;
const gap = 14;
const lineHeight = 14;
const fontSize = 11;
const mostPictures = 256;
/** Characters of all pictures together, below the megabyte that notebooks bear well. */
const mostCharacters = 700_000;

/**
 * Pictures in a grid, with captions and verdicts. Small pictures are enlarged pixel by pixel;
 * captions are text, never markup.
 *
 * @throws if there are no pictures, or other numbers of captions or verdicts than pictures.
 * @example
 * const red = { width: 1, height: 1, channels: 3, data: Uint8Array.of(214, 40, 40) };
 * const drawing = images([red], { captions: ['a red square'], verdicts: [true] });
 */
export function images(pictures: readonly Picture[], options: ImagesOptions = {}): Drawing {
  check(pictures, options);
  const { captions, verdicts, title = plural(pictures.length, 'picture') } = options;
  const shown = pictures.slice(0, mostPictures);
  const scale = options.scale ?? defaultScale(shown);
  const width = Math.max(...shown.map((picture) => Math.round(picture.width * scale)));
  const columns = options.columns ?? defaultColumns(shown.length, width);

  const urls = encodeAll(shown, scale);
  const texts = shown.map((_, index) =>
    wrapText(captions?.[index] ?? '', width - verdictWidth(verdicts?.[index]), fontSize, 3),
  );
  const cells: Cell[] = [];
  let top = 0;
  for (let start = 0; start < shown.length; start += columns) {
    const row = shown.slice(start, start + columns);
    const height = Math.max(...row.map((picture) => Math.round(picture.height * scale)));
    const lines = Math.max(
      ...row.map(
        (_, i) =>
          texts[start + i].length +
          (showsVerdictAlone(texts[start + i], verdicts?.[start + i]) ? 1 : 0),
      ),
    );
    row.forEach((picture, i) => {
      const index = start + i;
      const drawnWidth = Math.round(picture.width * scale);
      const drawnHeight = Math.round(picture.height * scale);
      cells.push({
        index,
        url: urls[index],
        x: i * (width + gap),
        y: top,
        right: i * (width + gap) + drawnWidth,
        bottom: top + drawnHeight,
        width: drawnWidth,
        height: drawnHeight,
        textX: i * (width + gap) + verdictWidth(verdicts?.[index]),
        textY: top + drawnHeight + 7,
        caption: captions?.[index] ?? '',
        lines: texts[index].join('\n'),
        verdict: verdictText(verdicts?.[index]),
        hue: verdictColour(verdicts?.[index]),
      });
    });
    top += height + (lines > 0 ? 7 + lines * lineHeight : 0) + gap;
  }

  const passed = (verdicts ?? []).filter((verdict) => verdict === true).length;
  const judged = (verdicts ?? []).filter((verdict) => typeof verdict === 'boolean').length;
  const facts = [
    `${pictures[0].width} × ${pictures[0].height} pixels`,
    ...(judged > 0 ? [`${passed} of ${judged} pass`] : []),
  ].join('  ·  ');
  const warnings =
    pictures.length > mostPictures ? [`Only the first ${mostPictures} are drawn.`] : [];
  const spec = chartSpec(
    {
      title,
      subtitle: facts,
      warnings,
      description: `${title}, ${facts}. ${captionList(captions)}`,
    },
    {
      width: columns * (width + gap) - gap,
      height: top - gap,
      data: { values: cells },
      layer: layers(cells),
    },
  );
  const list = cells.map(
    ({ index, caption, verdict }) =>
      `${index + 1}. ${[verdict, caption].filter(Boolean).join(' ')}`,
  );
  const words = list.some((line) => /\. ./.test(line)) ? list : [];
  return new Drawing({ name: 'images', spec, text: [`${title}, ${facts}`, ...words].join('\n') });
}

interface Cell {
  [field: string]: string | number;
  index: number;
  caption: string;
  verdict: string;
}

function check(
  pictures: readonly Picture[],
  { captions, verdicts, columns, scale }: ImagesOptions,
): void {
  const rule = (text: string, value: unknown) => {
    throw new Error(`Cannot draw images as ${text}: current value is ${value}`);
  };
  if (pictures.length === 0) rule('there must be at least one', 0);
  for (const [name, list] of Object.entries({ captions, verdicts })) {
    if (list && list.length !== pictures.length) {
      rule(`${name} must be as many as the pictures (${pictures.length})`, list.length);
    }
  }
  if (columns !== undefined && !(Number.isInteger(columns) && columns > 0)) {
    rule('columns must be a whole number above 0', columns);
  }
  if (scale !== undefined && !(scale > 0 && Number.isFinite(scale)))
    rule('scale must be above 0', scale);
}

/** Whole factors keep small pictures sharp. */
function defaultScale(pictures: readonly Picture[]): number {
  const width = Math.max(...pictures.map((picture) => picture.width));
  return width <= 128 ? Math.max(1, Math.floor(128 / width)) : Math.min(1, 256 / width);
}

function defaultColumns(count: number, width: number): number {
  const fit = Math.max(1, Math.floor((rowWidth + gap) / (width + gap)));
  return Math.ceil(count / Math.ceil(count / fit));
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
  if (typeof verdict === 'boolean') return verdict ? '✓' : '✗';
  return typeof verdict === 'number' ? format(verdict) : verdict;
}

function verdictColour(verdict: Verdict): string {
  if (typeof verdict !== 'boolean') return colour.line;
  return verdict ? colour.green : colour.vermilion;
}

/** Room that a verdict takes at the left of the caption's first line. */
function verdictWidth(verdict: Verdict): number {
  const text = verdictText(verdict);
  return text === '' ? 0 : Math.ceil(text.length * 7.5) + 7;
}

function showsVerdictAlone(lines: string[], verdict: Verdict): boolean {
  return lines.length === 0 && verdictText(verdict) !== '';
}

function captionList(captions: readonly string[] | undefined): string {
  return captions ? captions.slice(0, 12).join('; ') : '';
}

/** Positions are screen pixels: no scales, no axes. */
function pixel(field: string): VegaLitePart {
  return { field, type: 'quantitative', scale: null, axis: null };
}

function layers(cells: Cell[]): VegaLitePart[] {
  const tooltip = [
    { field: 'index', title: 'picture' },
    ...(cells.some(({ caption }) => caption) ? [{ field: 'caption', title: 'caption' }] : []),
    ...(cells.some(({ verdict }) => verdict) ? [{ field: 'verdict', title: 'verdict' }] : []),
  ];
  const { width, height } = cells[0];
  // Vega-Lite has no encoding for an image's size: pictures of one size share a layer.
  const sizes = new Map(cells.map((cell) => [`${cell.width} ${cell.height}`, cell]));
  const pictureLayers = [...sizes.values()].map((cell) => ({
    transform: [{ filter: `datum.width == ${cell.width} && datum.height == ${cell.height}` }],
    mark: {
      type: 'image',
      align: 'left',
      baseline: 'top',
      width: cell.width ?? width,
      height: cell.height ?? height,
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
        fontSize: 12,
        dy: -1,
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
      mark: { type: 'text', align: 'left', baseline: 'top', fontSize, lineHeight, lineBreak: '\n' },
      encoding: { x: pixel('textX'), y: pixel('textY'), text: { field: 'lines' } },
    },
  ];
}
