import { ANYTHING, checkOptions, required, rule, SWITCH, type Rules } from '../core/option-rules';
import { cachedReward, type CachedRewardOptions } from './cached-reward';
import { isHttpReward, rewardOfTerm, type HttpRewardTerm } from './http/http-term';
import type { RewardFunction } from './reward-registry';

/** One of several rewards. */
export interface RewardTerm {
  /** A registered name, or the function itself. */
  reward: string | RewardFunction;
  /** What it counts in the sum. Default 1. */
  weight?: number;
  /** Stop when it fails. Default false: the pictures that it could not rate are left out. */
  required?: boolean;
  /** Ask once about the same picture and prompt, as `cachedReward` does, under the term's name; or how. Default false. */
  cache?: boolean | CachedRewardOptions;
}

/** A term in its long form. */
export type CompleteTerm = Required<Omit<RewardTerm, 'cache'>>;

const RULES: Rules<RewardTerm> = {
  reward: required(
    rule(
      "a registered reward's name or a function",
      (value) => typeof value === 'string' || typeof value === 'function',
    ),
  ),
  weight: ANYTHING,
  required: SWITCH,
  cache: ANYTHING,
};

/** What terms stand for: a server's reward keeps its queue, and a cached one its ratings, from one call to the next. */
const made = new WeakMap<object, RewardFunction>();

/**
 * A term in its long form.
 *
 * @param name What the term is called.
 * @throws When a server's term holds headers, there is no such option, or one breaks its rule.
 */
export function completeTerm(
  name: string,
  term: RewardTerm | HttpRewardTerm | string | RewardFunction,
): CompleteTerm {
  if (typeof term !== 'object') return { reward: term, weight: 1, required: false };
  if (!isHttpReward(term)) checkOptions(`score pictures by reward "${name}"`, term, RULES);
  const { weight = 1, required: isRequired = false } = term;
  return { reward: rewardBehind(name, term), weight, required: isRequired };
}

function rewardBehind(name: string, term: RewardTerm | HttpRewardTerm): string | RewardFunction {
  const before = made.get(term);
  if (before !== undefined) return before;
  const { cache = false } = term;
  const reward = isHttpReward(term) ? rewardOfTerm(term) : term.reward;
  if (typeof cache !== 'boolean' && (typeof cache !== 'object' || cache === null)) {
    throw new Error(
      `Cannot keep a reward's ratings as cache must be true, false or an object of options: current value of "${name}" is ${String(cache)}`,
    );
  }
  const behind =
    cache === false ? reward : cachedReward(reward, { name, ...(cache === true ? {} : cache) });
  // A name is looked up at each call: it may be registered anew.
  if (typeof behind === 'function' && behind !== (term as RewardTerm).reward)
    made.set(term, behind);
  return behind;
}
