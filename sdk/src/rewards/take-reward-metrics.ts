import { rewardRegistry, type RewardFunction } from './reward-registry';
import { completeTerm } from './reward-term';
import { namedTerms, type RewardTerms } from './weighted-rewards';

type Rewards = string | RewardFunction | RewardTerms | Record<string, string | RewardFunction>;

/** All functions among what a trainer takes as rewards, those that others ask included. */
function functionsOf(reward: Rewards): RewardFunction[] {
  if (typeof reward === 'function') {
    return [reward, ...(reward.asks === undefined ? [] : functionsOf(reward.asks))];
  }
  if (typeof reward === 'string') {
    const registered = rewardRegistry.find(reward);
    return registered === null ? [] : functionsOf(registered);
  }
  return Object.entries(namedTerms(reward)).flatMap(([name, term]) =>
    functionsOf(completeTerm(name, term).reward),
  );
}

/** What rewards say of themselves since this was asked last; one that is used twice says it once. */
export function takeRewardMetrics(...rewards: Rewards[]): Record<string, number> {
  const all = new Set(rewards.flatMap(functionsOf));
  return Object.assign({}, ...[...all].map((reward) => reward.takeMetrics?.() ?? {})) as Record<
    string,
    number
  >;
}
