import { httpReward, type HttpRewardOptions } from './http-reward';
import type { CachedRewardOptions } from '../cached-reward';
import type { RewardFunction } from '../reward-registry';
import { requireOption } from './require-option';

/**
 * A server's reward in place of a function. It may be written to files as it stands, so headers, which may hold a secret, are
 * given to `httpReward` instead; `tokenVariable` names a token without holding it.
 */
export interface HttpRewardTerm extends Omit<HttpRewardOptions, 'headers'> {
  /** What it counts in the sum. Default 1. */
  weight?: number;
  /** Stop when it fails. Default false. */
  required?: boolean;
  /** Ask once about the same picture and prompt, as `cachedReward` does, under the term's name; or how. Default false. */
  cache?: boolean | CachedRewardOptions;
}

/** What a term says of its place among others. */
const OF_TERM = ['weight', 'required', 'cache'];

/** Whether an object stands for a server's reward. */
export function isHttpReward(term: object): term is HttpRewardTerm {
  if (!('url' in term)) return false;
  const urls = [term.url].flat();
  return urls.length > 0 && urls.every((url) => typeof url === 'string' && URL.canParse(url));
}

/**
 * The reward that a term stands for.
 *
 * @throws When it holds headers.
 */
export function rewardOfTerm(term: HttpRewardTerm): RewardFunction {
  if ('headers' in term) {
    throw new Error(
      `Cannot take a server's reward as its headers must be given to httpReward(), or a token by tokenVariable: a run writes down its settings`,
    );
  }
  const options = Object.entries(term).filter(([name]) => !OF_TERM.includes(name));
  return httpReward(Object.fromEntries(options) as unknown as HttpRewardOptions);
}

/**
 * The server's reward that an entry of verl-omni's `reward.reward_functions` asks for: one with a `server_url`. Its
 * `max_retries` and `retry_backoff` (in seconds) count; the request is JSON where verl-omni sends a pickle.
 *
 * @param entry The entry's own keys.
 * @returns Null for an entry without a `server_url`.
 * @throws When a key breaks its rule.
 * @example
 * httpRewardOfVerl({ name: 'compute_score', server_url: 'http://127.0.0.1:19082' }); // { url: 'http://127.0.0.1:19082' }
 * httpRewardOfVerl({ name: 'shapes' }); // null
 */
export function httpRewardOfVerl(entry: Readonly<Record<string, unknown>>): HttpRewardTerm | null {
  const { server_url: url, max_retries: retries = 2, retry_backoff: backoff = 0.5 } = entry;
  if (url === undefined || url === null) return null;
  requireOption(typeof url === 'string' && URL.canParse(url), 'server_url', 'a URL', url);
  requireOption(Number.isSafeInteger(retries), 'max_retries', 'a whole number', retries);
  requireOption(Number.isFinite(backoff), 'retry_backoff', 'a number of seconds', backoff);
  return {
    url: url as string,
    text: 'ground_truth',
    retries: retries as number,
    backoffMs: 1000 * (backoff as number),
    picturesPerRequest: 1,
  };
}
