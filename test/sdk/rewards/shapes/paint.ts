import { BACKGROUND, pixelImage, RandomKey, type PixelImage, type Rgb } from '@flowbook/sdk';

/** An empty picture of the shapes world's ground. */
export function ground(side = 64): PixelImage {
  return pixelImage(side, side, Array.from({ length: side * side }, () => BACKGROUND).flat());
}

/** Fills a rectangle; what lies outside of the picture is cut off. */
export function box(
  image: PixelImage,
  color: Rgb,
  [left, top, width, height]: readonly [number, number, number, number],
): PixelImage {
  const data = Uint8Array.from(image.data);
  for (let row = Math.max(0, top); row < Math.min(image.height, top + height); row++) {
    for (let column = Math.max(0, left); column < Math.min(image.width, left + width); column++) {
      data.set(color, 3 * (row * image.width + column));
    }
  }
  return { ...image, data };
}

/** The picture with every pixel's colour changed. */
export function recolored(image: PixelImage, change: (level: number, at: number) => number) {
  return { ...image, data: image.data.map((level, at) => clip(change(level, at))) };
}

/** Mean of each pixel with its eight neighbours, as a soft decoder leaves edges. */
export function blurred(image: PixelImage): PixelImage {
  const { width, height, data } = image;
  const level = (row: number, column: number, channel: number) => {
    const y = Math.min(height - 1, Math.max(0, row));
    const x = Math.min(width - 1, Math.max(0, column));
    return data[3 * (y * width + x) + channel];
  };
  return recolored(image, (_, at) => {
    const [channel, pixel] = [at % 3, Math.floor(at / 3)];
    const [column, row] = [pixel % width, Math.floor(pixel / width)];
    const around = [-1, 0, 1].flatMap((dy) =>
      [-1, 0, 1].map((dx) => level(row + dy, column + dx, channel)),
    );
    return around.reduce((sum, one) => sum + one, 0) / 9;
  });
}

/** Adds noise of at most `strength` levels to every channel of every pixel. */
export function noisy(image: PixelImage, strength: number, seed: number): PixelImage {
  const key = RandomKey.fromSeed(seed);
  return recolored(image, (level, at) => level + key.fold(at).integer(-strength, strength + 1));
}

function clip(level: number): number {
  return Math.max(0, Math.min(255, Math.round(level)));
}
