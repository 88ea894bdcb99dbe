import { mapInSlices } from '../core/map-in-slices';
import type { PixelImage } from '../core/pixel-image';

/** A spread of brightness that counts as full contrast, in parts of the whole range. */
const FULL_CONTRAST = 0.25;
/** Neighbours that differ by fewer levels, in brightness, lie in one flat region. */
const FLAT_LEVELS = 8;

/** The four parts of the reward `aesthetic`, each from 0 to 1. */
export interface AestheticParts {
  /** min(1, s / 0.25), s the standard deviation of brightness. */
  contrast: number;
  /** max(|R_1|, |R_2|), R_n = sum w e^(i n h) / sum w over pixels of hue h and colourfulness w; 1 where nothing has a colour. */
  harmony: number;
  /** 1 - |m| / sqrt(2), m the middle of what differs from the mean colour, from -1 to 1 along each axis. */
  centring: number;
  /** Share of neighbouring pixels that differ by less than 8 levels of brightness. */
  calm: number;
}

/** Brightness of each pixel, from 0 to 255 (Rec. 601). */
function brightnessOf({ data }: PixelImage): Float64Array {
  return new Float64Array(data.length / 3).map(
    (_, at) => 0.299 * data[3 * at] + 0.587 * data[3 * at + 1] + 0.114 * data[3 * at + 2],
  );
}

function contrastOf(brightness: Float64Array): number {
  const count = brightness.length;
  const mean = brightness.reduce((sum, level) => sum + level, 0) / count;
  const variance = brightness.reduce((sum, level) => sum + (level - mean) ** 2, 0) / count;
  return Math.min(1, Math.sqrt(variance) / 255 / FULL_CONTRAST);
}

/**
 * How closely hues lie around one hue (n = 1) or two that face each other (n = 2): the templates i and I of Cohen-Or et al.,
 * Color harmonization (2006). A pixel counts by its colourfulness, the largest level less the smallest.
 */
function harmonyOf({ data }: PixelImage): number {
  const sums = [0, 0, 0, 0];
  let total = 0;
  for (let at = 0; at < data.length; at += 3) {
    const [red, green, blue] = [data[at], data[at + 1], data[at + 2]];
    const weight = Math.max(red, green, blue) - Math.min(red, green, blue);
    if (weight === 0) continue;
    const hue = Math.atan2(Math.sqrt(3) * (green - blue), 2 * red - green - blue);
    total += weight;
    const [x, y] = [Math.cos(hue), Math.sin(hue)];
    sums[0] += weight * x;
    sums[1] += weight * y;
    // Twice the angle.
    sums[2] += weight * (x * x - y * y);
    sums[3] += weight * 2 * x * y;
  }
  if (total === 0) return 1;
  return Math.min(1, Math.max(Math.hypot(sums[0], sums[1]), Math.hypot(sums[2], sums[3])) / total);
}

function centringOf({ width, height, data }: PixelImage): number {
  const count = data.length / 3;
  let [red, green, blue] = [0, 0, 0];
  for (let at = 0; at < data.length; at += 3) {
    red += data[at] / count;
    green += data[at + 1] / count;
    blue += data[at + 2] / count;
  }
  let [x, y, total] = [0, 0, 0];
  for (let pixel = 0; pixel < count; pixel++) {
    const weight = Math.sqrt(
      (data[3 * pixel] - red) ** 2 +
        (data[3 * pixel + 1] - green) ** 2 +
        (data[3 * pixel + 2] - blue) ** 2,
    );
    const column = pixel % width;
    const row = (pixel - column) / width;
    x += weight * ((2 * column + 1) / width - 1);
    y += weight * ((2 * row + 1) / height - 1);
    total += weight;
  }
  return total < 1e-6 ? 1 : 1 - Math.hypot(x, y) / total / Math.SQRT2;
}

function calmOf(brightness: Float64Array, width: number): number {
  let [flat, pairs] = [0, 0];
  const compare = (pixel: number, neighbor: number) => {
    pairs++;
    if (Math.abs(brightness[pixel] - brightness[neighbor]) < FLAT_LEVELS) flat++;
  };
  for (let pixel = 0; pixel < brightness.length; pixel++) {
    if ((pixel + 1) % width !== 0) compare(pixel, pixel + 1);
    if (pixel + width < brightness.length) compare(pixel, pixel + width);
  }
  return pairs === 0 ? 1 : flat / pairs;
}

/**
 * The parts of the reward `aesthetic`.
 *
 * @example
 * const grey = pixelImage(2, 2, Array.from({ length: 12 }, () => 128));
 * aestheticParts(grey); // { contrast: 0, harmony: 1, centring: 1, calm: 1 }
 */
export function aestheticParts(image: PixelImage): AestheticParts {
  const brightness = brightnessOf(image);
  return {
    contrast: contrastOf(brightness),
    harmony: harmonyOf(image),
    centring: centringOf(image),
    calm: calmOf(brightness, image.width),
  };
}

/**
 * The reward `aesthetic`: (contrast + harmony + centring + calm) / 4, from 0 to 1, by rules alone (`AestheticParts`). It knows
 * nothing of what a picture shows: a term beside others, and quick to see a run learn by.
 *
 * @example
 * const grey = pixelImage(2, 2, Array<number>(12).fill(128));
 * await aestheticReward([grey]); // [0.75] // all but contrast
 */
export async function aestheticReward(images: PixelImage[]): Promise<number[]> {
  return mapInSlices(images, (image) => {
    const { contrast, harmony, centring, calm } = aestheticParts(image);
    return (contrast + harmony + centring + calm) / 4;
  });
}
