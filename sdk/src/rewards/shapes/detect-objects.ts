import type { PixelImage } from '../../core/pixel-image';
import { BACKGROUND, COLORS, type ColorName, type Rgb, type ShapeName } from './world';

/** A connected patch of one palette colour. */
export interface FoundObject {
  /** Null when the patch has no known form. */
  shape: ShapeName | null;
  color: ColorName;
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

const COLOR_NAMES = Object.keys(COLORS) as ColorName[];
const PALETTE: Rgb[] = [BACKGROUND, ...Object.values(COLORS)];

/** Index into the palette of the colour nearest to each pixel; 0 is background. */
function nearestPaletteIndex({ data }: PixelImage): Uint8Array {
  const labels = new Uint8Array(data.length / 3);
  for (let pixel = 0; pixel < labels.length; pixel++) {
    const red = data[3 * pixel];
    const green = data[3 * pixel + 1];
    const blue = data[3 * pixel + 2];
    let nearest = Infinity;
    for (let index = 0; index < PALETTE.length; index++) {
      const [r, g, b] = PALETTE[index];
      const distance = (red - r) ** 2 + (green - g) ** 2 + (blue - b) ** 2;
      if (distance < nearest) {
        nearest = distance;
        labels[pixel] = index;
      }
    }
  }
  return labels;
}

/** Takes the 4-connected patch around `start` out of `labels` and returns its pixels. */
function takePatch(labels: Uint8Array, width: number, start: number): number[] {
  const label = labels[start];
  const pixels: number[] = [];
  const stack = [start];
  labels[start] = 0;
  const visit = (pixel: number): void => {
    if (labels[pixel] === label) {
      labels[pixel] = 0;
      stack.push(pixel);
    }
  };
  while (stack.length > 0) {
    const pixel = stack.pop() as number;
    pixels.push(pixel);
    const column = pixel % width;
    if (column > 0) visit(pixel - 1);
    if (column < width - 1) visit(pixel + 1);
    if (pixel >= width) visit(pixel - width);
    if (pixel + width < labels.length) visit(pixel + width);
  }
  return pixels;
}

/** Tells the form of a patch from how much of its bounding box it fills, and where. */
function classify(pixels: number[], imageWidth: number, color: ColorName): FoundObject {
  const columns = pixels.map((pixel) => pixel % imageWidth);
  const rows = pixels.map((pixel) => Math.floor(pixel / imageWidth));
  const left = Math.min(...columns);
  const right = Math.max(...columns) + 1;
  const top = Math.min(...rows);
  const bottom = Math.max(...rows) + 1;
  const width = right - left;
  const height = bottom - top;
  const x = (left + right) / 2;
  const y = (top + bottom) / 2;
  const area = pixels.length;
  const found = { color, x, y, area };

  const longer = Math.max(width, height);
  const shorter = Math.min(width, height);
  if (shorter < MINIMUM_SIDE || longer > MAXIMUM_SIDE || longer > MAXIMUM_ASPECT * shorter) {
    return { ...found, shape: null };
  }
  const fill = area / (width * height);
  if (fill >= SQUARE_FILL) return { ...found, shape: 'square' };
  if (fill >= CIRCLE_FILL) return { ...found, shape: 'circle' };
  if (fill >= TRIANGLE_OR_CROSS_FILL) {
    const upperShare = rows.filter((row) => row + 0.5 < y).length / area;
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
 */
export function detectObjects(image: PixelImage): FoundObject[] {
  const labels = nearestPaletteIndex(image);
  const found: FoundObject[] = [];
  for (let pixel = 0; pixel < labels.length; pixel++) {
    if (labels[pixel] === 0) continue;
    const color = COLOR_NAMES[labels[pixel] - 1];
    const patch = takePatch(labels, image.width, pixel);
    if (patch.length >= MINIMUM_AREA) found.push(classify(patch, image.width, color));
  }
  return found;
}
