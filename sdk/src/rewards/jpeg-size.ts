import type { PixelImage } from '../core/pixel-image';
import { toJpeg } from '../io/image-file';

/** Bytes that stand for a reward of one: verl-omni's scale. */
const BYTES_PER_REWARD = 500_000;

/**
 * The reward `jpeg_compressibility`: minus the size of the picture as a JPEG of quality 95, in units
 * of 500 kB. Plain pictures rate higher.
 *
 * Source: DDPO (https://arxiv.org/abs/2305.13301), scaled as verl-omni does.
 *
 * @example
 * const plain = pixelImage(8, 8, Array<number>(192).fill(128));
 * const striped = pixelImage(8, 8, Array.from({ length: 192 }, (_, at) => (at % 2) * 255));
 * const [first, second] = await jpegCompressibilityReward([plain, striped]);
 * first > second; // true
 */
export async function jpegCompressibilityReward(images: PixelImage[]): Promise<number[]> {
  const files = await Promise.all(images.map((image) => toJpeg(image)));
  return files.map(({ length }) => -length / BYTES_PER_REWARD);
}

/**
 * The reward `jpeg_incompressibility`: the same with the sign turned. Detailed pictures rate higher.
 *
 * @example
 * const plain = pixelImage(8, 8, Array<number>(192).fill(128));
 * const striped = pixelImage(8, 8, Array.from({ length: 192 }, (_, at) => (at % 2) * 255));
 * const [first, second] = await jpegIncompressibilityReward([plain, striped]);
 * first < second; // true
 */
export async function jpegIncompressibilityReward(images: PixelImage[]): Promise<number[]> {
  return (await jpegCompressibilityReward(images)).map((value) => -value);
}
