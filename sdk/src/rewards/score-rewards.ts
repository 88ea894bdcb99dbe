import { cellSignal } from '../core/cell-signal';
import { ANYTHING, checkOptions, orNull, SIGNAL, type Rules } from '../core/option-rules';
import type { PixelImage } from '../core/pixel-image';
import { isTimeLimit, LONGEST_LIMIT_MS, withTimeLimit } from '../core/time-limit';
import { getReward, type PromptRecord, type RewardFunction } from './reward-registry';

/** How rewards are asked for. */
export interface ScoreOptions {
  /** Stops the wait. Default: the running cell's. */
  signal?: AbortSignal | null;
  /**
   * Longest time of one call of a reward, in milliseconds; null: as long as it takes. Rewards of servers and pools keep to their
   * own. It ends what waits: a loop that never does needs a process of its own (`RewardPool`). Default 600000.
   */
  timeoutMs?: number | null;
}

/** What options of scoring must be. */
export const SCORE_RULES: Rules<ScoreOptions> = { signal: orNull(SIGNAL), timeoutMs: ANYTHING };

/** Longest time of one call of a reward, in milliseconds. */
export const REWARD_TIMEOUT_MS = 600_000;

/** @throws When it is no time limit. */
function checkRewardTimeout(name: string, value: number | null): void {
  if (value === null || isTimeLimit(value)) return;
  throw new Error(
    `Cannot score rewards as ${name} must be null or a number of milliseconds from 1 to ${LONGEST_LIMIT_MS}: current value is ${value}`,
  );
}

/**
 * What a reward returns for pictures: as many numbers as there are pictures, which may be not finite.
 *
 * @throws With the reward's name when it fails, takes too long, or returns another number of values; with the signal's reason
 *   once that is aborted.
 */
export async function rateImages(
  reward: string | RewardFunction,
  images: PixelImage[],
  prompts: PromptRecord[],
  { signal = null, timeoutMs = REWARD_TIMEOUT_MS }: ScoreOptions,
): Promise<number[]> {
  checkRewardTimeout('timeoutMs', timeoutMs);
  const name = nameOf(reward);
  const rate = typeof reward === 'string' ? getReward(reward) : reward;
  if (images.length !== prompts.length) {
    throw new Error(
      `Cannot score reward "${name}" as every picture needs its prompt: current numbers are ${images.length} pictures and ${prompts.length} prompts`,
    );
  }
  let values: number[];
  try {
    // Lists of its own: a reward may take them apart as it goes, or sort them.
    const ask = async (own: AbortSignal) => rate([...images], [...prompts], { signal: own });
    values = await withTimeLimit(ask, {
      limitMs: rate.limitsTime ? null : timeoutMs,
      signal,
      tooLate: () =>
        new Error(
          `it must rate ${images.length} pictures, the first of "${prompts[0]?.prompt}", within ${timeoutMs} ms`,
        ),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Error(`Cannot score reward "${name}" as it failed: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (!Array.isArray(values) || values.length !== images.length) {
    const got = Array.isArray(values) ? `${values.length} values` : typeof values;
    throw new Error(
      `Cannot score reward "${name}" as it must return ${images.length} numbers: current value is ${got}`,
    );
  }
  // A reward may fill the same list at its next call, and places that were never filled would be passed over.
  return Array.from(values);
}

function nameOf(reward: string | RewardFunction): string {
  return typeof reward === 'string' ? reward : reward.name || 'anonymous';
}

/**
 * Rates pictures with a reward and checks what comes back.
 *
 * @param reward A registered name, or the function itself.
 * @param images N pictures.
 * @param prompts N records, one for each picture.
 * @returns N finite numbers.
 * @throws When there is no such option; with the reward's name when it fails, or returns another number of values, or one that
 *   is not finite.
 * @example
 * const red = pixelImage(8, 8, Array.from({ length: 64 }, () => [255, 0, 0]).flat());
 * await scoreRewards('redness', [red], [{ prompt: 'a red square' }]); // [1]
 */
export async function scoreRewards(
  reward: string | RewardFunction,
  images: PixelImage[],
  prompts: PromptRecord[],
  options: ScoreOptions = {},
): Promise<number[]> {
  checkOptions('score rewards', options, SCORE_RULES);
  const { signal = cellSignal(), timeoutMs } = options;
  const values = await rateImages(reward, images, prompts, { signal, timeoutMs });
  values.forEach((value, index) => {
    if (!Number.isFinite(value)) {
      throw new Error(
        `Cannot score reward "${nameOf(reward)}" as it must return finite numbers: picture ${index} ("${prompts[index].prompt}") got ${value}`,
      );
    }
  });
  return values;
}
