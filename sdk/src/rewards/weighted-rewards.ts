import { cellSignal } from '../core/cell-signal';
import {
  ANYTHING,
  checkOptions,
  oneOf,
  optionsAmong,
  orNull,
  type Rules,
} from '../core/option-rules';
import type { PixelImage } from '../core/pixel-image';
import { mean, standardDeviation } from '../core/statistics';
import { isHttpReward, type HttpRewardTerm } from './http/http-term';
import { PartialRewardFailure } from './partial-failure';
import type { PromptRecord, RewardFunction } from './reward-registry';
import { completeTerm, type CompleteTerm, type RewardTerm } from './reward-term';
import { rateImages, SCORE_RULES, type ScoreOptions } from './score-rewards';

/**
 * Several rewards by name; a reward alone has weight 1. `{ url }` is a server's, as one of several and as the only one, which
 * then has the name `http`.
 */
export type RewardTerms =
  HttpRewardTerm | Record<string, RewardTerm | HttpRewardTerm | string | RewardFunction>;

/** How several rewards become one. */
export interface WeightedRewardOptions extends ScoreOptions {
  /**
   * Make each reward's values comparable before they are weighted: (r - mean) / (std + 1e-4) over the 'batch', or over
   * each 'group'. Default: as they are.
   */
  normalize?: 'batch' | 'group' | null;
  /** Number or name of each picture's group, for 'group'. */
  groups?: readonly (string | number)[];
  /**
   * What becomes of a picture that a reward could not rate: 'drop' (default) leaves its sum NaN, for the trainer to leave
   * out; 'zero' counts 0 for that reward, as verl-omni does.
   */
  onFailure?: 'drop' | 'zero';
}

/** The weighted sum, and what it is made of. */
export interface WeightedRewards {
  /** One number a picture; NaN where a reward failed and is not counted as 0. */
  rewards: number[];
  /** Each reward's own values, before they are normalised; NaN where it failed. */
  terms: Record<string, number[]>;
  /** What failed, and why. */
  failures: { reward: string; pictures: number; message: string }[];
}

const COMBINE_RULES: Rules<Omit<WeightedRewardOptions, keyof ScoreOptions>> = {
  normalize: orNull(oneOf('batch', 'group')),
  groups: ANYTHING,
  onFailure: oneOf('drop', 'zero'),
};

const RULES: Rules<WeightedRewardOptions> = { ...SCORE_RULES, ...COMBINE_RULES };

/** Added to a standard deviation. */
const EPSILON = 1e-4;

/**
 * Rates pictures by several rewards and adds them up: sum of weight * reward.
 *
 * A reward fails on all pictures when it throws or takes too long (on some with a `PartialRewardFailure`), and on one when it
 * returns NaN or an infinite number for it.
 *
 * @param terms By name.
 * @throws When there is no such option or one breaks its rule, a required reward fails, there is none, or the weights do not
 *   add up to a positive number.
 * @example
 * const red = pixelImage(8, 8, Array.from({ length: 64 }, () => [255, 0, 0]).flat());
 * const terms = { redness: { reward: 'redness', weight: 2 }, half: async () => [0.5] };
 * const { rewards } = await scoreWeightedRewards(terms, [red], [{ prompt: 'a red square' }]);
 * rewards; // [2.5]
 */
export async function scoreWeightedRewards(
  terms: RewardTerms,
  images: PixelImage[],
  prompts: PromptRecord[],
  options: WeightedRewardOptions = {},
): Promise<WeightedRewards> {
  checkOptions('score rewards', options, RULES);
  const rated = await rateTerms(terms, images, prompts, optionsAmong(options, SCORE_RULES));
  return { rewards: combineTerms(terms, rated, optionsAmong(options, COMBINE_RULES)), ...rated };
}

/** What each of several rewards says of some pictures. */
export type RatedTerms = Omit<WeightedRewards, 'rewards'>;

/**
 * The first half of `scoreWeightedRewards`: pictures may be rated in parts.
 *
 * @throws When a required reward fails.
 *
 * @example
 * const red = pixelImage(1, 1, [255, 0, 0]);
 * (await rateTerms({ redness: 'redness' }, [red], [{ prompt: 'red' }])).terms; // { redness: [1] }
 */
export async function rateTerms(
  terms: RewardTerms,
  images: PixelImage[],
  prompts: PromptRecord[],
  options: ScoreOptions = {},
): Promise<RatedTerms> {
  checkOptions('score rewards', options, SCORE_RULES);
  const { signal = cellSignal(), timeoutMs } = options;
  const rated: RatedTerms = { terms: {}, failures: [] };
  for (const [name, { reward, required }] of rewardTerms(terms)) {
    const { values, message } = await attempt(reward, images, prompts, { signal, timeoutMs });
    const failed = values.filter((value) => Number.isNaN(value)).length;
    if (failed > 0) {
      if (required) {
        throw new Error(
          `Cannot score pictures as reward "${name}" is required and failed on ${failed} of ${images.length}: ${message}`,
        );
      }
      rated.failures.push({ reward: name, pictures: failed, message });
    }
    rated.terms[name] = values;
  }
  return rated;
}

/**
 * The second half of `scoreWeightedRewards`: the weighted sum over all pictures.
 *
 * @returns One number a picture; NaN where a reward failed and is not counted as 0.
 *
 * @example
 * const terms = { redness: { reward: 'redness', weight: 2 }, half: async () => [0.5] };
 * combineTerms(terms, { terms: { redness: [1], half: [0.5] }, failures: [] }, {}); // [2.5]
 */
export function combineTerms(
  terms: RewardTerms,
  rated: RatedTerms,
  options: Omit<WeightedRewardOptions, keyof ScoreOptions>,
): number[] {
  checkOptions('score rewards', options, COMBINE_RULES);
  const scaled = rewardTerms(terms).map(([name, { weight }]) => {
    const values = rated.terms[name];
    const counted = options.onFailure === 'zero' ? values.map((value) => value || 0) : values;
    return normalized(counted, options).map((value) => weight * value);
  });
  return scaled[0].map((_, at) => scaled.reduce((sum, values) => sum + values[at], 0));
}

/** The terms by name, a server's alone too. */
export function namedTerms(
  terms: RewardTerms,
): Record<string, RewardTerm | HttpRewardTerm | string | RewardFunction> {
  return isHttpReward(terms) ? { http: terms } : terms;
}

/** The terms, complete and checked. */
function rewardTerms(given: RewardTerms): [name: string, term: CompleteTerm][] {
  const entries = Object.entries(namedTerms(given)).map(([name, term]): [string, CompleteTerm] => [
    name,
    completeTerm(name, term),
  ]);
  const total = entries.reduce((sum, [, { weight }]) => sum + weight, 0);
  if (!(total > 0 && Number.isFinite(total))) {
    throw new Error(
      `Cannot score pictures as the weights of rewards must add up to a positive number: current value is ${total}`,
    );
  }
  return entries;
}

/** A reward's values, NaN where it failed, and why it did. */
async function attempt(
  reward: string | RewardFunction,
  images: PixelImage[],
  prompts: PromptRecord[],
  options: ScoreOptions,
): Promise<{ values: number[]; message: string }> {
  try {
    const values = await rateImages(reward, images, prompts, options);
    const at = values.findIndex((value) => !Number.isFinite(value));
    return {
      values: values.map((value) => (Number.isFinite(value) ? value : NaN)),
      message: `"${prompts[at]?.prompt}" got ${values[at]}`,
    };
  } catch (error) {
    if (options.signal?.aborted) throw error;
    const { message, cause } = error as Error;
    const rated = cause instanceof PartialRewardFailure ? cause.values : images.map(() => NaN);
    return { values: [...rated], message };
  }
}

function normalized(
  values: readonly number[],
  { normalize = null, groups }: WeightedRewardOptions,
): readonly number[] {
  if (normalize === null) return values;
  if (normalize === 'group' && groups?.length !== values.length) {
    throw new Error(
      `Cannot normalise rewards as every picture needs its group: current numbers are ${values.length} pictures and ${groups?.length ?? 0} groups`,
    );
  }
  const of = (at: number) => (normalize === 'group' ? groups?.[at] : 'batch');
  const statistics = new Map<string | number | undefined, { center: number; std: number }>();
  for (const group of new Set(values.map((_, at) => of(at)))) {
    const rated = values.filter((value, at) => of(at) === group && Number.isFinite(value));
    const std = rated.length > 1 ? standardDeviation(rated, 1) : 0;
    statistics.set(group, { center: mean(rated), std });
  }
  return values.map((value, at) => {
    const { center, std } = statistics.get(of(at)) as { center: number; std: number };
    return (value - center) / (std + EPSILON);
  });
}
