import { ANYTHING, checkOptions, type Rules } from '@flowbook/sdk/option-rules';
import { Drawing } from '../drawing';
import { plural } from '../numbers';
import { refuse } from '../refuse';
import { requirePictures } from '../require-data';
import { chartSpec } from '../rendering/chart-spec';
import { imageGrid } from './image-cells';
import { imageLayers } from './image-layers';
import type { Picture, Verdict } from './picture';

/** Options of `images()`. */
export interface ImagesOptions {
  /** A line of plain text for each picture. */
  captions?: readonly string[];
  /** Pictures in a row. Default: as many as fit into 640 pixels, in rows of equal length. */
  columns?: number;
  /** Screen pixels for each pixel of a picture. Default: pictures are about 128 pixels wide. */
  scale?: number;
  /** For each picture: passed or not (a green ✓, a vermilion ✗), or a score. */
  verdicts?: readonly Verdict[];
  title?: string;
}

const mostPictures = 256;
const action = 'draw images';

const RULES: Rules<ImagesOptions> = {
  captions: ANYTHING,
  columns: ANYTHING,
  scale: ANYTHING,
  verdicts: ANYTHING,
  title: ANYTHING,
};

/**
 * Pictures in a grid, with captions and verdicts. Small pictures are enlarged pixel by pixel;
 * captions are text, never markup.
 *
 * @throws if there are no pictures, or other numbers of captions or verdicts than pictures.
 * @example
 * const red = pixelImage(1, 1, [214, 40, 40]);
 * const drawing = images([red], { captions: ['a red square'], verdicts: [true] });
 */
export function images(pictures: readonly Picture[], options: ImagesOptions = {}): Drawing {
  check(pictures, options);
  const { captions, verdicts, title = plural(pictures.length, 'picture') } = options;
  const items = pictures.slice(0, mostPictures).map((picture, index) => ({
    picture,
    caption: captions?.[index] ?? '',
    verdict: verdicts?.[index],
  }));
  const { cells, width, height } = imageGrid(
    items,
    options.scale ?? defaultScale(pictures),
    options.columns,
  );

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
      description: `${title}, ${facts}. ${captions ? captions.slice(0, 12).join('; ') : ''}`,
    },
    { width, height, data: { values: cells }, layer: imageLayers(cells) },
  );
  const words = cells
    .filter(({ caption, verdict }) => caption !== '' || verdict !== '')
    .map(
      ({ number, caption, verdict }) =>
        `${number}. ${[verdict, caption].filter(Boolean).join(' ')}`,
    );
  return new Drawing({ name: 'images', spec, text: [`${title}, ${facts}`, ...words].join('\n') });
}

function check(pictures: readonly Picture[], options: ImagesOptions): void {
  checkOptions(action, options, RULES);
  const { captions, verdicts, columns, scale } = options;
  requirePictures(action, pictures);
  if (pictures.length === 0) refuse(action, 'there must be at least one', 0);
  for (const [name, list] of Object.entries({ captions, verdicts })) {
    if (list && list.length !== pictures.length) {
      refuse(action, `${name} must be as many as the pictures (${pictures.length})`, list.length);
    }
  }
  if (columns !== undefined && !(Number.isInteger(columns) && columns > 0)) {
    refuse(action, 'columns must be a whole number above 0', columns);
  }
  if (scale !== undefined && !(scale > 0 && Number.isFinite(scale))) {
    refuse(action, 'scale must be a number above 0', scale);
  }
}

/** Whole factors keep small pictures sharp; a single large one may be larger than those of a grid. */
function defaultScale(pictures: readonly Picture[]): number {
  const width = Math.max(...pictures.map((picture) => picture.width));
  if (width <= 128) return Math.floor(128 / width);
  return Math.min(1, (pictures.length === 1 ? 400 : 256) / width);
}
