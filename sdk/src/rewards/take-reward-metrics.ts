import { failureSaidOnce } from '../core/observer';
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

const saysFailure = new WeakMap<RewardFunction, (error: unknown) => void>();

/** What a reward says of itself; nothing where it fails to, which is said once. */
function metricsOf(reward: RewardFunction): Record<string, number> {
  try {
    return reward.takeMetrics?.() ?? {};
  } catch (error) {
    const failed =
      saysFailure.get(reward) ??
      failureSaidOnce(`takeMetrics of reward "${reward.name || 'anonymous'}"`, 'training');
    saysFailure.set(reward, failed);
    failed(error);
    return {};
  }
}

/** What rewards say of themselves since this was asked last; one that is used twice says it once. */
export function takeRewardMetrics(...rewards: Rewards[]): Record<string, number> {
  const all = new Set(rewards.flatMap(functionsOf));
  return Object.assign({}, ...[...all].map(metricsOf)) as Record<string, number>;
}

/** Names that say how much there is, and not what was done since it was asked last. */
const LEVELS = /\/(kept|residentBytes)$/;

/**
 * A step's numbers with what rewards have said of themselves since then: counts are added up, and how much there is stands as it was
 * said last.
 */
export function addRewardMetrics<Numbers extends Record<string, number>>(
  before: Numbers,
  taken: Record<string, number>,
): Numbers {
  const sums = Object.entries(taken).map(([name, value]) => [
    name,
    LEVELS.test(name) ? value : value + (before[name] ?? 0),
  ]);
  return { ...before, ...(Object.fromEntries(sums) as Record<string, number>) };
}
