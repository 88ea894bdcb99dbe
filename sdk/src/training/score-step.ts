import type { PixelImage } from '../core/pixel-image';
import { mean } from '../core/statistics';
import {
  combineTerms,
  getReward,
  rateTerms,
  scoreRewards,
  type PromptRecord,
  type RatedTerms,
  type RewardFunction,
  type RewardTerms,
} from '../rewards';
import { namedTerms } from '../rewards/weighted-rewards';
import type { NotFinitePolicy } from './not-finite';
import type { RolloutBatch } from './rollout-batch';

/** The rewards of a step's pictures. */
export interface StepRewards {
  /** One for each picture; NaN for one that could not be rated. */
  rewards: number[];
  /** Pictures to train on: those that could be rated, or count 0. */
  rated: number[];
  /** How many could be rated, by one of several rewards at least where what fails counts 0. */
  answered: number;
  /** Means of the rewards that the sum is made of, by name. */
  terms: Record<string, number>;
  /** Ratings that failed. */
  failures: number;
  /** Why they did, one after the other; '' where none did. */
  reasons: string;
}

/** What a step is scored by. */
export interface ScoreSettings {
  reward: string | RewardFunction | RewardTerms;
  /** Of several rewards. */
  rewardNormalization: 'batch' | 'group' | null;
  onRewardFailure: 'drop' | 'zero';
  /** Where one reward alone fails: 'stop' throws, the others leave to `onRewardFailure` what it could not rate. Default 'stop'. */
  onNotFinite?: NotFinitePolicy;
  /** Of one call of a reward. Default: that of `scoreRewards`. */
  rewardTimeoutMs?: number | null;
}

/** @throws When rewards are asked for by a name that is not registered. */
export function requireRewards(reward: ScoreSettings['reward']): void {
  const all = typeof reward === 'object' ? Object.values(namedTerms(reward)) : [reward];
  for (const one of all) {
    const by = typeof one === 'object' && one !== null && 'reward' in one ? one.reward : one;
    if (typeof by === 'string') getReward(by);
  }
}

/** @throws When no picture could be rated, with the reasons. */
export function requireRated({ answered, rewards, reasons }: StepRewards): void {
  if (answered > 0) return;
  throw new Error(
    `Cannot train on pictures as at least one must be rated: rewards failed on all ${rewards.length}: ${reasons}`,
  );
}

/**
 * Rates a step's pictures by one reward or several.
 *
 * @throws When one reward alone fails, a required one does, or no picture could be rated.
 */
export async function scoreStep(
  { images, prompts, groups }: Pick<RolloutBatch, 'images' | 'prompts' | 'groups'>,
  settings: ScoreSettings,
  signal: AbortSignal | null,
): Promise<StepRewards> {
  const scorer = new StepScorer(settings, 1, signal);
  await scorer.rate(images, prompts);
  const scored = scorer.finish(groups);
  requireRated(scored);
  return scored;
}

/** Rates a step's pictures in parts, as they are made. A reward is asked about whole groups. */
export class StepScorer {
  readonly #settings: ScoreSettings;
  readonly #groupSize: number;
  readonly #signal: AbortSignal | null;
  readonly #parts: RatedTerms[] = [];
  /** Of a group that is not whole yet. */
  #waiting: { images: PixelImage[]; prompts: PromptRecord[] } = { images: [], prompts: [] };

  constructor(settings: ScoreSettings, groupSize: number, signal: AbortSignal | null) {
    this.#settings = settings;
    this.#groupSize = groupSize;
    this.#signal = signal;
  }

  /**
   * Takes pictures, and rates those whose groups are whole. Calls follow one another.
   *
   * @throws When one reward alone fails and `onNotFinite` is 'stop', or a required one does.
   */
  async rate(images: readonly PixelImage[], prompts: readonly PromptRecord[]): Promise<void> {
    const given = {
      images: [...this.#waiting.images, ...images],
      prompts: [...this.#waiting.prompts, ...prompts],
    };
    const whole = given.images.length - (given.images.length % this.#groupSize);
    this.#waiting = { images: given.images.slice(whole), prompts: given.prompts.slice(whole) };
    if (whole === 0) return;
    this.#parts.push(await this.#ask(given.images.slice(0, whole), given.prompts.slice(0, whole)));
  }

  /**
   * The rewards of all pictures that were taken, once the last group is whole.
   *
   * @param groups Number of each picture's group.
   */
  finish(groups: readonly number[]): StepRewards {
    const { reward, rewardNormalization, onRewardFailure } = this.#settings;
    const { terms, failures } = joinParts(this.#parts);
    const isAlone = typeof reward !== 'object';
    const rewards = combineTerms(
      isAlone ? { [ALONE]: reward } : reward,
      { terms, failures },
      { groups, normalize: isAlone ? null : rewardNormalization, onFailure: onRewardFailure },
    );
    const rated = rewards.flatMap((value, row) => (Number.isFinite(value) ? [row] : []));
    const hasRating = (row: number) =>
      Object.values(terms).some((values) => Number.isFinite(values[row]));
    const means = Object.entries(terms).map(([name, values]) => [
      name,
      mean(values.filter(Number.isFinite)),
    ]);
    return {
      rewards,
      rated,
      answered: rated.filter(hasRating).length,
      terms: isAlone ? {} : Object.fromEntries(means),
      failures: failures.reduce((sum, { pictures }) => sum + pictures, 0),
      reasons: failures
        .map(({ reward: name, message }) => (isAlone ? message : `"${name}": ${message}`))
        .join('; '),
    };
  }

  async #ask(images: PixelImage[], prompts: PromptRecord[]): Promise<RatedTerms> {
    const { reward, rewardTimeoutMs: timeoutMs, onNotFinite = 'stop' } = this.#settings;
    const options = { signal: this.#signal, timeoutMs };
    if (typeof reward === 'object') return rateTerms(reward, images, prompts, options);
    if (onNotFinite !== 'stop') return rateTerms({ [ALONE]: reward }, images, prompts, options);
    const values = await scoreRewards(reward, images, prompts, options);
    return { terms: { [ALONE]: values }, failures: [] };
  }
}

/** Name of the only term of a reward alone. */
const ALONE = 'reward';

/** Ratings of parts one after the other; what failed, once for each reward. */
function joinParts(parts: readonly RatedTerms[]): RatedTerms {
  const names = Object.keys(parts[0]?.terms ?? {});
  const failures = new Map<string, RatedTerms['failures'][number]>();
  for (const failure of parts.flatMap((part) => part.failures)) {
    const { pictures = 0, message = failure.message } = failures.get(failure.reward) ?? {};
    failures.set(failure.reward, { ...failure, pictures: pictures + failure.pictures, message });
  }
  return {
    terms: Object.fromEntries(
      names.map((name) => [name, parts.flatMap((part) => part.terms[name])]),
    ),
    failures: [...failures.values()],
  };
}
