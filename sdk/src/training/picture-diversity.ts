import type { PixelImage } from '../core/pixel-image';
import { mean } from '../core/statistics';

/**
 * How much pictures of one prompt differ: the root mean square of the difference between two of them, over all pairs, pixels
 * and colours, on a scale from 0 to 1; the mean over prompts. 0: they are equal. Prompts with one picture do not count.
 *
 * @param groups Number of each picture's prompt.
 * @returns NaN when no prompt has two pictures.
 * @example
 * const black = pixelImage(1, 1, [0, 0, 0]);
 * const white = pixelImage(1, 1, [255, 255, 255]);
 * pictureDiversity([black, white, black, black], [0, 0, 1, 1]); // 0.5
 */
export function pictureDiversity(images: readonly PixelImage[], groups: readonly number[]): number {
  const byGroup = new Map<number, PixelImage[]>();
  images.forEach((image, row) => {
    byGroup.set(groups[row], [...(byGroup.get(groups[row]) ?? []), image]);
  });
  return mean([...byGroup.values()].filter(({ length }) => length > 1).map(diversityOf));
}

/** Pairs need not be gone through: the sum of their squared distances is n sum |a|^2 - |sum a|^2. */
function diversityOf(images: readonly PixelImage[]): number {
  const n = images.length;
  const size = images[0].data.length;
  const sums = new Float64Array(size);
  let squares = 0;
  for (const { data } of images) {
    for (let at = 0; at < size; at++) {
      sums[at] += data[at];
      squares += data[at] * data[at];
    }
  }
  let squareOfSums = 0;
  for (const sum of sums) squareOfSums += sum * sum;
  const pairs = (n * (n - 1)) / 2;
  return Math.sqrt((n * squares - squareOfSums) / pairs / size) / 255;
}
