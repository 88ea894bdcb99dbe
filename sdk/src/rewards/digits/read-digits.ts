import type { PixelImage } from '../../core/pixel-image';
import { GLYPH_ROWS, GLYPHS } from './digit-font';
import { inkPatches, type InkPatch } from './ink';

/** Smaller patches are specks. */
const MINIMUM_AREA = 8;
/** Lower patches are no digits. */
const MINIMUM_HEIGHT = GLYPH_ROWS;
/** A patch's sides may be in another proportion than a digit's by this factor. */
const MAXIMUM_STRETCH = 1.35;
/** Share of a digit's dots that must agree. */
const MINIMUM_LIKENESS = 0.8;
/** Points along each side of a dot at which a patch is looked at. */
const SAMPLES = 3;

/** Share of a dot that a patch inks, once the glyph is stretched over the patch's box. */
function inkOfDot(patch: InkPatch, columns: number, column: number, row: number): number {
  let inked = 0;
  for (let i = 0; i < SAMPLES; i++) {
    for (let j = 0; j < SAMPLES; j++) {
      const x = ((column + (j + 0.5) / SAMPLES) / columns) * patch.width;
      const y = ((row + (i + 0.5) / SAMPLES) / GLYPH_ROWS) * patch.height;
      if (patch.has(patch.left + Math.floor(x), patch.top + Math.floor(y))) inked++;
    }
  }
  return inked / SAMPLES ** 2;
}

/** Share of a glyph's dots that a patch agrees with; 0 for a patch of another proportion. */
function likeness(patch: InkPatch, glyph: readonly string[]): number {
  const columns = glyph[0].length;
  const stretch = patch.width / patch.height / (columns / GLYPH_ROWS);
  if (Math.max(stretch, 1 / stretch) > MAXIMUM_STRETCH) return 0;
  let agreed = 0;
  glyph.forEach((dots, row) => {
    [...dots].forEach((dot, column) => {
      const ink = inkOfDot(patch, columns, column, row);
      agreed += dot === '#' ? ink : 1 - ink;
    });
  });
  return agreed / (columns * GLYPH_ROWS);
}

function readPatch(patch: InkPatch): string {
  if (patch.height < MINIMUM_HEIGHT) return '?';
  const likenesses = GLYPHS.map((glyph) => likeness(patch, glyph));
  const best = Math.max(...likenesses);
  return best >= MINIMUM_LIKENESS ? String(likenesses.indexOf(best)) : '?';
}

/**
 * Reads digits from a picture, from left to right: patches of ink on the border's colour, each held against every digit of the
 * font, stretched over it.
 *
 * @returns Digits; '?' for a patch that is like none.
 *
 * @example
 * readDigits(renderDigits('407', RandomKey.fromSeed(1))); // '407'
 */
export function readDigits(image: PixelImage): string {
  return inkPatches(image)
    .filter(({ area }) => area >= MINIMUM_AREA)
    .map(readPatch)
    .join('');
}
