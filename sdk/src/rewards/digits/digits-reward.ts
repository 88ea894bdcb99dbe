import { editDistance } from '../../core/edit-distance';
import { mapInSlices } from '../../core/map-in-slices';
import type { PixelImage } from '../../core/pixel-image';
import type { PromptRecord } from '../reward-registry';
import { askedDigits } from './digits-prompt';
import { readDigits } from './read-digits';

/**
 * The reward `digits_text`: how much of the asked number a picture shows, 1 - min(d, n) / n, with d the edit distance between
 * what `readDigits` reads and the asked text, and n the asked text's length.
 *
 * As verl-omni scores what an OCR model reads, except that the asked text within a longer one is no full match: a picture full
 * of digits would always be right.
 *
 * @param prompts Records with `text`, or with `reward_model.ground_truth`, of digits.
 * @throws When a record asks for anything else.
 *
 * @example
 * const image = renderDigits('407', RandomKey.fromSeed(1));
 * const prompts = ['407', '401'].map((text) => ({ prompt: `the number ${text}`, text }));
 * await digitsTextReward([image, image], prompts); // [1, 0.667]
 */
export async function digitsTextReward(
  images: PixelImage[],
  prompts: PromptRecord[],
): Promise<number[]> {
  return mapInSlices(images, (image, at) => {
    const asked = askedDigits(prompts[at]);
    const distance = editDistance(readDigits(image), asked);
    return 1 - Math.min(distance, asked.length) / asked.length;
  });
}
