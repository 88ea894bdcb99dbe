import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { ANYTHING, checkOptions, orNull, TEXT, type Rules } from '../core/option-rules';
import type { PixelImage } from '../core/pixel-image';
import { PartialRewardFailure } from './partial-failure';
import { pictureKey } from './picture-key';
import { RatingStore } from './rating-store';
import {
  getReward,
  type PromptRecord,
  type RewardContext,
  type RewardFunction,
} from './reward-registry';

/** What is kept of a reward's ratings. */
export interface CachedRewardOptions {
  /** What the reward is called. Default: its own name. */
  name?: string;
  /** Of the reward: another one asks anew. Needed with a folder. Default ''. */
  version?: string;
  /** Ratings that are kept, those asked for longest ago forgotten first. Default 100000, about 20 MB. */
  mostRatings?: number;
  /** Keep ratings in a file there too, for later runs; one run at a time may use it. Default: in memory alone. */
  folder?: string | null;
}

const RULES: Rules<CachedRewardOptions> = {
  name: TEXT,
  version: TEXT,
  mostRatings: ANYTHING,
  folder: orNull(TEXT),
};

function refuse(rule: string, value: unknown): never {
  throw new Error(`Cannot keep a reward's ratings as ${rule}: current value is ${String(value)}`);
}

/** A picture and what it was made from. */
interface Picture {
  image: PixelImage;
  prompt: PromptRecord;
}

/** Asks a reward, and adds what it could rate. @returns Why it could not rate the rest, or null. */
async function rateUnknown(
  rate: RewardFunction,
  pictures: ReadonlyMap<string, Picture>,
  ratings: Map<string, number>,
  context: RewardContext,
): Promise<string | null> {
  if (pictures.size === 0) return null;
  const all = [...pictures.values()];
  const take = (rated: readonly number[]) =>
    [...pictures.keys()].forEach((key, at) => {
      if (Number.isFinite(rated[at])) ratings.set(key, rated[at]);
    });
  let rated: number[];
  try {
    rated = await rate(
      all.map(({ image }) => image),
      all.map(({ prompt }) => prompt),
      context,
    );
  } catch (error) {
    context.signal?.throwIfAborted();
    if (error instanceof PartialRewardFailure) take(error.values);
    return (error as Error).message;
  }
  if (!Array.isArray(rated) || rated.length !== all.length) {
    const got = Array.isArray(rated) ? `${rated.length} values` : typeof rated;
    return `it must return ${all.length} numbers: current value is ${got}`;
  }
  take(rated);
  const broken = rated.findIndex((value) => !Number.isFinite(value));
  if (broken < 0) return null;
  return `it must return finite numbers: "${all[broken].prompt.prompt}" got ${rated[broken]}`;
}

/** Where the ratings of a reward of some version lie. */
function fileOf(folder: string, name: string, version: string): string {
  const hash = createHash('sha256')
    .update(JSON.stringify([name, version]))
    .digest('hex');
  const readable = name.replace(/[^\w.-]+/g, '_').slice(-40);
  return join(folder, `${readable}-${hash.slice(0, 12)}.jsonl`);
}

/**
 * A reward that is asked once about the same picture and prompt: ratings are kept by what the picture and its prompt's record
 * hold. What failed is not kept, and asked again.
 *
 * It is for rewards that rate each picture by itself: one that compares the pictures of a call rates others alone.
 *
 * Each step's log line has `reward_cache/<name>/hits`, `misses` and `kept`.
 *
 * @param reward A registered name, or the function itself.
 * @throws When there is no such option, an option breaks its rule, or the file holds something else.
 * @example
 * const quality = httpReward({ url: 'http://127.0.0.1:18085/score' });
 * const cached = cachedReward(quality, { name: 'quality', version: '2026-05', mostRatings: 50_000 });
 * const reward = { shapes: 'shapes', quality: { reward: cached, weight: 0.5 } }; // as trainers take several rewards
 * const same = { quality: { url: 'http://127.0.0.1:18085/score', cache: { version: '2026-05' } } }; // as an option of a term
 */
export function cachedReward(
  reward: string | RewardFunction,
  options: CachedRewardOptions = {},
): RewardFunction {
  checkOptions("keep a reward's ratings", options, RULES);
  const { version = '', mostRatings = 100_000, folder = null } = options;
  const { name = typeof reward === 'string' ? reward : reward.name } = options;
  const rate = typeof reward === 'string' ? getReward(reward) : reward;
  if (name === '') refuse('a reward without a name needs one', '""');
  if (!Number.isSafeInteger(mostRatings) || mostRatings < 1) {
    refuse('mostRatings must be a whole number from 1', mostRatings);
  }
  if (folder !== null && version === '') {
    refuse('version must be given with a folder, or a changed reward has old ratings', '""');
  }
  const store = new RatingStore(
    mostRatings,
    folder === null ? null : fileOf(folder, name, version),
  );
  const counts = { hits: 0, misses: 0 };

  const cached: RewardFunction = async (images, prompts, context) => {
    const keys = images.map((image, at) => pictureKey([name, version], image, prompts[at]));
    const known = new Map<string, number>();
    const asked = new Map<string, Picture>();
    keys.forEach((key, at) => {
      const value = store.get(key);
      if (value !== undefined) known.set(key, value);
      else if (!asked.has(key)) asked.set(key, { image: images[at], prompt: prompts[at] });
    });
    counts.hits += images.length - asked.size;
    counts.misses += asked.size;
    const failure = await rateUnknown(rate, asked, known, context);
    store.add([...known].filter(([key]) => asked.has(key)));
    const values = keys.map((key) => known.get(key) ?? NaN);
    if (failure !== null) throw new PartialRewardFailure(failure, values);
    return values;
  };
  cached.takeMetrics = () => {
    const taken = Object.entries({ ...counts, kept: store.size });
    counts.hits = 0;
    counts.misses = 0;
    return Object.fromEntries(
      taken.map(([count, value]) => [`reward_cache/${name}/${count}`, value]),
    );
  };
  cached.limitsTime = rate.limitsTime;
  cached.asks = rate;
  return Object.defineProperty(cached, 'name', { value: name });
}
