import { mapInSlices } from '../../core/map-in-slices';
import type { PixelImage } from '../../core/pixel-image';
import { judgePicture, type Verdict } from './judge-picture';
import { parseShapesPrompt } from './shapes-prompts';

const judgeBy = (prompts: unknown[]) => (image: PixelImage, at: number) =>
  judgePicture(image, parseShapesPrompt(prompts[at]));

/** Judges each picture by its own prompt. `prompts` are records of the shapes world. */
export function judgePictures(images: PixelImage[], prompts: unknown[]): Verdict[] {
  return images.map(judgeBy(prompts));
}

/**
 * The reward `shapes`: partial credit between 0 and 1 for the objects, colours and relation that a
 * prompt of the shapes world asks for.
 */
export async function shapesReward(images: PixelImage[], prompts: unknown[]): Promise<number[]> {
  return (await mapInSlices(images, judgeBy(prompts))).map(({ reward }) => reward);
}

/** The reward `shapes_exact`: 1 for a picture that is right in all, else 0. */
export async function shapesExactReward(
  images: PixelImage[],
  prompts: unknown[],
): Promise<number[]> {
  return (await mapInSlices(images, judgeBy(prompts))).map(({ correct }) => (correct ? 1 : 0));
}
