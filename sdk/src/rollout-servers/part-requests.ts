import type { PromptedPart } from '../training/rollout-part';
import type { PictureRequest } from './rollout-protocol';

/** Seeds that both servers take: below 2^31, with room for a group's pictures. */
const SEEDS = 2 ** 31 - 2 ** 20;

/**
 * The requests that a part becomes: neighbours of one prompt together. A picture's seed is a function of the rollout's key, its
 * prompt's place and its place in the group, as its noise is elsewhere.
 *
 * @param guidance The scale of classifier-free guidance.
 */
export function requestsOf(
  { key, groupSize, start, size, settings, prompts, negativePrompt }: PromptedPart,
  { guidance, picturesPerRequest }: { guidance: number; picturesPerRequest: number },
): PictureRequest[] {
  const requests: PictureRequest[] = [];
  let at = 0;
  while (at < size) {
    const row = start + at;
    const [group, place] = [Math.floor(row / groupSize), row % groupSize];
    const count = Math.min(picturesPerRequest, groupSize - place, size - at);
    const seed = key.fold('group', group, 'server').integer(0, SEEDS) + place;
    const isGuided = negativePrompt !== null;
    requests.push({
      prompt: prompts[at],
      negativePrompt,
      seed,
      count,
      guidance: isGuided ? guidance : 1,
      settings,
    });
    at += count;
  }
  return requests;
}
