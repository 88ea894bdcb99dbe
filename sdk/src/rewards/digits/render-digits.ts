import type { PixelImage } from '../../core/pixel-image';
import type { RandomKey } from '../../core/random-key';
import { BACKGROUND, COLORS, PICTURE_SIDE, type ColorName } from '../shapes/world';
import { GLYPH_ROWS, GLYPHS } from './digit-font';
import { requireDigits } from './digits-prompt';

/** Pixels along each side of a dot. */
const DOT = 2;
/** Dots between two digits. */
const GAP = 2;

/** Dots that a number is wide. */
function dotsAcross(text: string): number {
  const widths = [...text].map((digit) => GLYPHS[Number(digit)][0].length);
  return widths.reduce((sum, width) => sum + width + GAP, -GAP);
}

/**
 * Writes a number onto a picture of 64 x 64 pixels, in one of the shapes world's colours and somewhere at random.
 *
 * @param text Digits: four, or five when some are 1, fit.
 * @param key Two equal keys give equal pictures.
 * @throws When it has other characters, or is too wide.
 * @example
 * readDigits(renderDigits('407', RandomKey.fromSeed(1))); // '407'
 */
export function renderDigits(text: string, key: RandomKey): PixelImage {
  requireDigits(text, 'draw a number');
  const [width, height] = [DOT * dotsAcross(text), DOT * GLYPH_ROWS];
  if (width > PICTURE_SIDE) {
    throw new Error(
      `Cannot draw a number as it must be at most ${PICTURE_SIDE} pixels wide: current value is ${width} for "${text}"`,
    );
  }
  const names = Object.keys(COLORS) as ColorName[];
  const color = COLORS[names[key.fold('color').integer(0, names.length)]];
  const top = key.fold('top').integer(0, PICTURE_SIDE - height + 1);
  let left = key.fold('left').integer(0, PICTURE_SIDE - width + 1);
  const data = new Uint8Array(3 * PICTURE_SIDE ** 2).map((_, at) => BACKGROUND[at % 3]);
  for (const digit of text) {
    const glyph = GLYPHS[Number(digit)];
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < DOT * glyph[0].length; x++) {
        if (glyph[Math.floor(y / DOT)][Math.floor(x / DOT)] !== '#') continue;
        data.set(color, 3 * ((top + y) * PICTURE_SIDE + left + x));
      }
    }
    left += DOT * (glyph[0].length + GAP);
  }
  return { width: PICTURE_SIDE, height: PICTURE_SIDE, channels: 3, data };
}
