import { mean } from '../core/statistics';
import {
  scoreRewards,
  scoreWeightedRewards,
  type RewardFunction,
  type RewardTerms,
} from '../rewards';
import type { RolloutBatch } from './rollout-batch';

/** The rewards of a step's pictures. */
export interface StepRewards {
  /** One for each picture; NaN for one that could not be rated. */
  rewards: number[];
  /** Pictures that could be rated: those to train on. */
  rated: number[];
  /** Means of the rewards that the sum is made of, by name. */
  terms: Record<string, number>;
  /** Ratings that failed. */
  failures: number;
}

/** What a step is scored by. */
export interface ScoreSettings {
  reward: string | RewardFunction | RewardTerms;
  /** Of several rewards. */
  rewardNormalization: 'batch' | 'group' | null;
  /** Of several rewards. */
  onRewardFailure: 'drop' | 'zero';
}

/**
 * Rates a step's pictures by one reward or several.
 *
 * @throws When one reward alone fails, a required one does, or no picture could be rated.
 */
export async function scoreStep(
  { images, prompts, groups }: Pick<RolloutBatch, 'images' | 'prompts' | 'groups'>,
  { reward, rewardNormalization, onRewardFailure }: ScoreSettings,
  signal: AbortSignal | null,
): Promise<StepRewards> {
  if (typeof reward !== 'object') {
    const rewards = await scoreRewards(reward, images, prompts, { signal });
    return { rewards, rated: rewards.map((_, row) => row), terms: {}, failures: 0 };
  }
  const { rewards, terms, failures } = await scoreWeightedRewards(reward, images, prompts, {
    signal,
    groups,
    normalize: rewardNormalization,
    onFailure: onRewardFailure,
  });
  const rated = rewards.flatMap((value, row) => (Number.isFinite(value) ? [row] : []));
  if (rated.length === 0) {
    const reasons = failures.map(({ reward: name, message }) => `"${name}": ${message}`);
    throw new Error(
      `Cannot train on pictures as at least one must be rated: rewards failed on all ${rewards.length}: ${reasons.join('; ')}`,
    );
  }
  return {
    rewards,
    rated,
    terms: Object.fromEntries(
      Object.entries(terms).map(([name, values]) => [name, mean(values.filter(Number.isFinite))]),
    ),
    failures: failures.reduce((sum, { pictures }) => sum + pictures, 0),
  };
}
