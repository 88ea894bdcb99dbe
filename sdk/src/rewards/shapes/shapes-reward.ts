import type { PixelImage } from '../../core/pixel-image';
import { judgePicture, type Verdict } from './judge-picture';
import { parseShapesPrompt } from './shapes-prompts';

/** Judges each picture by its own prompt. `prompts` are records of the shapes world. */
export function judgePictures(images: PixelImage[], prompts: unknown[]): Verdict[] {
  return images.map((image, at) => judgePicture(image, parseShapesPrompt(prompts[at])));
}

/**
 * The reward `shapes`: partial credit between 0 and 1 for the objects, colours and relation that a
 * prompt of the shapes world asks for.
 */
export async function shapesReward(images: PixelImage[], prompts: unknown[]): Promise<number[]> {
  return judgePictures(images, prompts).map(({ reward }) => reward);
}

/** The reward `shapes_exact`: 1 for a picture that is right in all, else 0. */
export async function shapesExactReward(
  images: PixelImage[],
  prompts: unknown[],
): Promise<number[]> {
  return judgePictures(images, prompts).map(({ correct }) => (correct ? 1 : 0));
}
