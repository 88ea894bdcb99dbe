import type { PixelImage } from '../core/pixel-image';

/**
 * The reward `redness`: how much red stands out over green and blue, as the mean over all pixels of
 * R - (G + B) / 2 on levels from 0 to 1. Lies between -1 (cyan) and 1 (red); grey gives 0.
 *
 * @example
 * await rednessReward([pixelImage(1, 1, [255, 0, 0]), pixelImage(1, 1, [0, 255, 255])]); // [1, -1]
 */
export async function rednessReward(images: PixelImage[]): Promise<number[]> {
  return images.map(({ data }) => {
    let sum = 0;
    for (let at = 0; at < data.length; at += 3) {
      sum += data[at] - (data[at + 1] + data[at + 2]) / 2;
    }
    return sum / (data.length / 3) / 255;
  });
}
