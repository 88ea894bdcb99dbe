import type { PixelImage } from '../../core/pixel-image';
import { BACKGROUND, COLORS, type ColorName, type ShapeName } from './world';

/** A connected patch of one palette colour. */
export interface FoundObject {
  /** Null when the patch has no known form. */
  shape: ShapeName | null;
  /** Null when the patch is nearest to a palette colour without being like it. */
  color: ColorName | null;
  /** Centre of the bounding box, in pixels from the left. */
  x: number;
  /** Centre of the bounding box, in pixels from the top. */
  y: number;
  /** Number of pixels. */
  area: number;
}

const MINIMUM_AREA = 20;
const MINIMUM_SIDE = 8;
const MAXIMUM_SIDE = 20;
const MAXIMUM_ASPECT = 1.4;
const SQUARE_FILL = 0.88;
const CIRCLE_FILL = 0.66;
const TRIANGLE_OR_CROSS_FILL = 0.4;
const TRIANGLE_UPPER_SHARE = 0.35;
/**
 * How far a patch's mean colour may lie from the palette's, in levels. Blue and purple, the two that are nearest to each
 * other, are 118 apart.
 */
const MAXIMUM_COLOR_DISTANCE = 75;

const COLOR_NAMES = Object.keys(COLORS) as ColorName[];
/** Levels of the palette, background first, three a colour: what every pixel is held against lies in one piece. */
const LEVELS = Int32Array.from([BACKGROUND, ...Object.values(COLORS)].flat());

/** Index into the palette of the colour nearest to each pixel; 0 is background. */
function nearestPaletteIndex({ data }: PixelImage): Uint8Array {
  const labels = new Uint8Array(data.length / 3);
  for (let pixel = 0; pixel < labels.length; pixel++) {
    const red = data[3 * pixel];
    const green = data[3 * pixel + 1];
    const blue = data[3 * pixel + 2];
    let nearest = Infinity;
    let label = 0;
    for (let at = 0; at < LEVELS.length; at += 3) {
      const r = red - LEVELS[at];
      const g = green - LEVELS[at + 1];
      const b = blue - LEVELS[at + 2];
      const distance = r * r + g * g + b * b;
      if (distance < nearest) {
        nearest = distance;
        label = at / 3;
      }
    }
    labels[pixel] = label;
  }
  return labels;
}

/**
 * Takes the 4-connected patch around `start` out of `labels`.
 *
 * @param pixels Takes its pixels, from the front.
 * @returns The number of its pixels.
 */
function takePatch(labels: Uint8Array, width: number, start: number, pixels: Int32Array): number {
  const label = labels[start];
  let area = 0;
  const take = (pixel: number): void => {
    if (labels[pixel] !== label) return;
    labels[pixel] = 0;
    pixels[area++] = pixel;
  };
  take(start);
  // What is taken is also the queue of those whose neighbours are to be looked at.
  for (let at = 0; at < area; at++) {
    const pixel = pixels[at];
    const column = pixel % width;
    if (column > 0) take(pixel - 1);
    if (column < width - 1) take(pixel + 1);
    if (pixel >= width) take(pixel - width);
    if (pixel + width < labels.length) take(pixel + width);
  }
  return area;
}

/** Whether the mean colour of a patch is like the palette's. */
function isLike(color: ColorName, pixels: Int32Array, { data }: PixelImage): boolean {
  const distance = COLORS[color].reduce((sum, level, channel) => {
    const total = pixels.reduce((part, pixel) => part + data[3 * pixel + channel], 0);
    return sum + (total / pixels.length - level) ** 2;
  }, 0);
  return distance <= MAXIMUM_COLOR_DISTANCE ** 2;
}

/** Tells the form of a patch from how much of its bounding box it fills, and where. */
function classify(pixels: Int32Array, image: PixelImage, color: ColorName): FoundObject {
  let [left, right, top, bottom] = [Infinity, 0, Infinity, 0];
  for (const pixel of pixels) {
    const column = pixel % image.width;
    const row = (pixel - column) / image.width;
    left = Math.min(left, column);
    right = Math.max(right, column + 1);
    top = Math.min(top, row);
    bottom = Math.max(bottom, row + 1);
  }
  const found = {
    color: isLike(color, pixels, image) ? color : null,
    x: (left + right) / 2,
    y: (top + bottom) / 2,
    area: pixels.length,
  };
  const [width, height] = [right - left, bottom - top];
  const longer = Math.max(width, height);
  const shorter = Math.min(width, height);
  if (shorter < MINIMUM_SIDE || longer > MAXIMUM_SIDE || longer > MAXIMUM_ASPECT * shorter) {
    return { ...found, shape: null };
  }
  const fill = found.area / (width * height);
  if (fill >= SQUARE_FILL) return { ...found, shape: 'square' };
  if (fill >= CIRCLE_FILL) return { ...found, shape: 'circle' };
  if (fill >= TRIANGLE_OR_CROSS_FILL) {
    const isUpper = (pixel: number) => Math.floor(pixel / image.width) + 0.5 < found.y;
    const upperShare = pixels.filter(isUpper).length / found.area;
    return { ...found, shape: upperShare < TRIANGLE_UPPER_SHARE ? 'triangle' : 'cross' };
  }
  return { ...found, shape: null };
}

/**
 * Finds the flat shapes in a picture: nearest palette colour for each pixel, 4-connected patches of
 * at least 20 pixels, form by the share of the bounding box that is filled.
 *
 * @param image A picture of any size, 3 channels.
 * @returns The patches, from top to bottom and left to right by their first pixel.
 *
 * @example
 * const [found] = detectObjects(renderScene([{ shape: 'circle', color: 'red', x: 32, y: 32 }]));
 * [found.color, found.shape]; // ['red', 'circle']
 */
export function detectObjects(image: PixelImage): FoundObject[] {
  const labels = nearestPaletteIndex(image);
  const found: FoundObject[] = [];
  const pixels = new Int32Array(labels.length);
  for (let pixel = 0; pixel < labels.length; pixel++) {
    if (labels[pixel] === 0) continue;
    const color = COLOR_NAMES[labels[pixel] - 1];
    const area = takePatch(labels, image.width, pixel, pixels);
    if (area >= MINIMUM_AREA) found.push(classify(pixels.subarray(0, area), image, color));
  }
  return found;
}
