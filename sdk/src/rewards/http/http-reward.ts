import {
  ANYTHING,
  checkOptions,
  orNull,
  record,
  TEXT,
  wholeNumber,
  type Rules,
} from '../../core/option-rules';
import type { PixelImage } from '../../core/pixel-image';
import { RandomKey } from '../../core/random-key';
import { withoutUndefined } from '../../core/without-undefined';
import { addressOf } from '../../io/http/address-of';
import { LONGEST_BACKOFF_MS } from '../../io/http/backoff';
import { bearerToken } from '../../io/http/bearer-token';
import { httpUrl, LONGEST_ANSWER_MS, post } from '../../io/http/post';
import { RequestQueue } from '../../io/request-queue';
import { cutRatings, joinRatings } from '../rating-parts';
import type { PromptRecord, RewardFunction } from '../reward-registry';
import { jsonProtocol } from './json-protocol';
import { readScores } from './read-scores';
import { requireOption } from './require-option';
import type { RewardProtocol } from './reward-protocol';
import { safetensorsProtocol } from './safetensors-protocol';

/** How a server is asked for rewards. Only `url` is required. */
export interface HttpRewardOptions {
  /** Where to post to, http or https; or several servers of the same reward, each request to the one that has the fewest. */
  url: string | readonly string[];
  /** How pictures travel: PNG within JSON (default), or as they are in a safetensors file. */
  protocol?: 'json' | 'safetensors';
  /** What a picture is held against. Default: the prompt; 'ground_truth' sends what `reward_model` of verl's columns says. */
  text?: 'prompt' | 'ground_truth';
  /** Sent along as it is. Default `{}`. */
  metadata?: Record<string, unknown>;
  /** Name of the environment variable that holds a bearer token. Default: none. */
  tokenVariable?: string;
  /** Further headers. */
  headers?: Record<string, string>;
  /** Pictures in one request. Default 16. */
  picturesPerRequest?: number;
  /** Requests that a server has at a time. Default 4. */
  requestsInFlight?: number;
  /** Time for each try, in milliseconds, up to 300000. Default 120000. */
  timeoutMs?: number;
  /** Tries after the first one, when none came through or the status was 408, 429 or 5xx. Default 2. */
  retries?: number;
  /** Longest rest of a server after a failure, in milliseconds, up to 600000; doubled with each further one in a row. Default 500. */
  backoffMs?: number;
  /** A longer answer is refused. Default 1 MiB. */
  maxResponseBytes?: number;
  /** The rests follow from it. Default 0. */
  seed?: number;
}

const PROTOCOLS: Record<string, RewardProtocol> = {
  json: jsonProtocol,
  safetensors: safetensorsProtocol,
};

const DEFAULTS = {
  protocol: 'json',
  text: 'prompt',
  metadata: {} as Record<string, unknown>,
  headers: {} as Record<string, string>,
  picturesPerRequest: 16,
  requestsInFlight: 4,
  timeoutMs: 120_000,
  retries: 2,
  backoffMs: 500,
  maxResponseBytes: 2 ** 20,
  seed: 0,
};

/** Smallest and, where there are such, largest values of the numbers among the options. */
const BOUNDS = {
  picturesPerRequest: [1, Infinity],
  requestsInFlight: [1, Infinity],
  timeoutMs: [1, LONGEST_ANSWER_MS],
  retries: [0, Infinity],
  backoffMs: [0, LONGEST_BACKOFF_MS],
  maxResponseBytes: [1, Infinity],
} as const;

const RULES: Rules<HttpRewardOptions> = {
  url: ANYTHING,
  protocol: ANYTHING,
  text: ANYTHING,
  metadata: record({}),
  tokenVariable: orNull(TEXT),
  headers: record({}),
  picturesPerRequest: ANYTHING,
  requestsInFlight: ANYTHING,
  timeoutMs: ANYTHING,
  retries: ANYTHING,
  backoffMs: ANYTHING,
  maxResponseBytes: ANYTHING,
  seed: wholeNumber(),
};

function completeOptions(options: HttpRewardOptions) {
  checkOptions('ask a server for rewards', options, RULES);
  const complete = { ...DEFAULTS, ...(withoutUndefined(options) as HttpRewardOptions) };
  for (const [name, [least, most]] of Object.entries(BOUNDS)) {
    const value = complete[name as keyof typeof BOUNDS];
    const isWhole = Number.isSafeInteger(value) || name === 'backoffMs';
    const words = `a number from ${least}${most < Infinity ? ` to ${most}` : ''}`;
    requireOption(isWhole && value >= least && value <= most, name, words, value);
  }
  const { url, protocol, text } = complete;
  const isGiven = [url].flat().every((one) => typeof one === 'string');
  requireOption(isGiven, 'url', 'an address, or a list of them', url);
  requireOption(Object.hasOwn(PROTOCOLS, protocol), 'protocol', 'json or safetensors', protocol);
  requireOption(['prompt', 'ground_truth'].includes(text), 'text', 'prompt or ground_truth', text);
  return complete;
}

function textOf(record: PromptRecord, text: string): string {
  if (text === 'prompt') return record.prompt;
  const { ground_truth: truth } = (record.reward_model ?? {}) as { ground_truth?: unknown };
  if (typeof truth === 'string') return truth;
  throw new Error(
    `Cannot ask a server for rewards as reward_model.ground_truth of every prompt must be a text: current value of "${record.prompt}" is ${truth}`,
  );
}

/**
 * A reward that a server gives.
 *
 * It posts pictures with their prompts, as `{"images": [PNG in base64], "prompts": [...], "metadata": {...}}` in JSON, or in a
 * safetensors file (tensors `images.0`, ... of bytes (H, W, 3); `prompts` and `metadata` as JSON in its metadata), and expects one
 * finite number a picture: `{"scores": [...]}`, or a safetensors file with F32 or F64 `scores`. Pickles are refused.
 *
 * Requests that could not rate their pictures reject with a `PartialRewardFailure`, so that of several rewards
 * `onRewardFailure` decides about these pictures alone.
 *
 * @throws When the address is not http or https, there is no such option, or one breaks its rule.
 * @example
 * const quality = httpReward({ url: 'http://127.0.0.1:18085/score', retries: 3, timeoutMs: 20_000 });
 * const reward = { shapes: 'shapes', quality: { reward: quality, weight: 0.5 } }; // as trainers take several rewards
 */
export function httpReward(options: HttpRewardOptions): RewardFunction {
  const complete = completeOptions(options);
  const { text, metadata, picturesPerRequest, seed } = complete;
  const urls = [complete.url].flat().map(httpUrl);
  requireOption(urls.length > 0, 'url', 'one address at least', 'none');
  const protocol = PROTOCOLS[complete.protocol];
  const queue = new RequestQueue(urls, async () => {}, {
    ...complete,
    key: RandomKey.fromSeed(seed).fold('http reward', ...urls.map(addressOf)),
    closed: 'Cannot ask a server for rewards as it was closed',
  });

  async function rate(
    pictures: readonly { image: PixelImage; prompt: string }[],
    headers: Record<string, string>,
    signal: AbortSignal | null,
  ): Promise<number[]> {
    signal?.throwIfAborted();
    return queue.run(
      '',
      async (url, stop) => {
        const body = await protocol.encode({
          images: pictures.map(({ image }) => image),
          prompts: pictures.map(({ prompt }) => prompt),
          metadata,
        });
        const answer = await post(url, { ...complete, body, headers, signal: stop });
        return readScores(answer, addressOf(url), pictures.length);
      },
      signal,
    );
  }

  const reward: RewardFunction = async (images, prompts, { signal }) => {
    const headers = {
      accept: 'application/json, application/safetensors',
      'content-type': protocol.contentType,
      ...bearerToken(complete.tokenVariable, 'ask a server for rewards'),
      ...complete.headers,
    };
    const pictures = images.map((image, at) => ({ image, prompt: textOf(prompts[at], text) }));
    const requests = cutRatings(pictures, picturesPerRequest);
    const results = await Promise.allSettled(requests.map((part) => rate(part, headers, signal)));
    signal?.throwIfAborted();
    return joinRatings(requests, results);
  };
  reward.limitsTime = true;
  return Object.defineProperty(reward, 'name', { value: urls.map(addressOf).join(', ') });
}
