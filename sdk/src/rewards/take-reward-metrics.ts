import { rewardRegistry, type RewardFunction } from './reward-registry';
import type { RewardTerms } from './weighted-rewards';

/** All functions among what a trainer takes as rewards. */
function functionsOf(reward: unknown): RewardFunction[] {
  if (typeof reward === 'function') return [reward as RewardFunction];
  if (typeof reward === 'string') {
    const registered = rewardRegistry.find(reward);
    return registered === null ? [] : [registered];
  }
  if (typeof reward !== 'object' || reward === null) return [];
  return Object.values(reward).flatMap((term) =>
    functionsOf(
      typeof term === 'object' && term !== null ? (term as { reward?: unknown }).reward : term,
    ),
  );
}

/** What rewards say of themselves since this was asked last; one that is used twice says it once. */
export function takeRewardMetrics(
  ...rewards: (string | RewardFunction | RewardTerms | Record<string, string | RewardFunction>)[]
): Record<string, number> {
  const all = new Set(rewards.flatMap(functionsOf));
  return Object.assign({}, ...[...all].map((reward) => reward.takeMetrics?.() ?? {})) as Record<
    string,
    number
  >;
}
