import type { PixelImage } from '../core/pixel-image';
import { Registry, type RegisterOptions } from '../core/registry';

/** A prompt with whatever else its data set says about it. */
export interface PromptRecord {
  /** What the model reads. */
  prompt: string;
  [field: string]: unknown;
}

/** What a reward may use beside pictures and prompts. */
export interface RewardContext {
  /** Aborted when the run stops, or time is up: pass it on to whatever takes long. */
  signal: AbortSignal | null;
}

/**
 * Rates a batch of pictures: one finite number for each, higher is better.
 *
 * @param images The pictures.
 * @param prompts The record that each picture was made from, as many as there are pictures.
 */
export interface RewardFunction {
  (images: PixelImage[], prompts: PromptRecord[], context: RewardContext): Promise<number[]>;
  /**
   * What it says of itself since it was asked last, by name, for the log of a run: counts, which are added up where a step's
   * evaluation is made again, and under names that end in `/kept` or `/residentBytes` how much there is now.
   */
  takeMetrics?(): Record<string, number>;
  /** Sees to it by itself that each call ends, as servers' rewards do; it is given no other time limit. */
  limitsTime?: boolean;
  /** The reward that it asks, of one that stands before another: the log has what that says of itself, too. */
  asks?: RewardFunction;
}

/** All rewards by name. */
export const rewardRegistry = new Registry<RewardFunction>('reward');

/**
 * Adds a reward under a name.
 *
 * @throws When the name is taken, unless `replace` is true.
 * @example
 * registerReward('darkness', async (images) =>
 *   images.map(({ data }) => 1 - data.reduce((sum, level) => sum + level, 0) / data.length / 255),
 * );
 */
export function registerReward(
  name: string,
  reward: RewardFunction,
  options: RegisterOptions = {},
): void {
  if (typeof reward !== 'function') {
    throw new Error(
      `Cannot register reward "${name}" as it must be a function: current value is ${typeof reward}`,
    );
  }
  rewardRegistry.register(name, reward, options);
}

/**
 * The reward under a name.
 *
 * @throws When there is none; the message lists what is registered.
 *
 * @example
 * getReward('redness') === rednessReward; // true
 */
export function getReward(name: string): RewardFunction {
  return rewardRegistry.get(name);
}
