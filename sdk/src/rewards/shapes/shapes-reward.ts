import { mapInSlices } from '../../core/map-in-slices';
import type { PixelImage } from '../../core/pixel-image';
import { judgePicture, type Verdict } from './judge-picture';
import { parseShapesPrompt } from './shapes-prompts';

const judgeBy = (prompts: unknown[]) => (image: PixelImage, at: number) =>
  judgePicture(image, parseShapesPrompt(prompts[at]));

/**
 * Judges each picture by its own prompt.
 *
 * @param prompts Records of the shapes world, one a picture.
 * @throws When a record is none.
 *
 * @example
 * const circle = { prompt: 'a circle', kind: 'single_object', objects: [{ shape: 'circle', color: null }], relation: null };
 * const [verdict] = judgePictures([renderScene([{ shape: 'circle', color: 'red', x: 32, y: 32 }])], [circle]);
 * verdict.correct; // true
 */
export function judgePictures(images: PixelImage[], prompts: unknown[]): Verdict[] {
  return images.map(judgeBy(prompts));
}

/**
 * The reward `shapes`: partial credit between 0 and 1 for the objects, colours and relation that a
 * prompt of the shapes world asks for.
 *
 * @param prompts Records of the shapes world, one a picture.
 * @returns One number a picture.
 * @throws When a record is none.
 *
 * @example
 * const circle = { prompt: 'a circle', kind: 'single_object', objects: [{ shape: 'circle', color: null }], relation: null };
 * await shapesReward([renderScene([{ shape: 'circle', color: 'red', x: 32, y: 32 }])], [circle]); // [1]
 */
export async function shapesReward(images: PixelImage[], prompts: unknown[]): Promise<number[]> {
  return (await mapInSlices(images, judgeBy(prompts))).map(({ reward }) => reward);
}

/**
 * The reward `shapes_exact`: 1 for a picture that is right in all, else 0.
 *
 * @example
 * const circle = { prompt: 'a circle', kind: 'single_object', objects: [{ shape: 'circle', color: null }], relation: null };
 * await shapesExactReward([renderScene([{ shape: 'square', color: 'red', x: 32, y: 32 }])], [circle]); // [0]
 */
export async function shapesExactReward(
  images: PixelImage[],
  prompts: unknown[],
): Promise<number[]> {
  return (await mapInSlices(images, judgeBy(prompts))).map(({ correct }) => (correct ? 1 : 0));
}
