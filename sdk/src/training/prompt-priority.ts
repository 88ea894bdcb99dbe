import { checkOptions, number, type Rules } from '../core/option-rules';
import { standardDeviation } from '../core/statistics';

/** How prompts are drawn by what can still be learned from them. */
export interface PromptPriorityOptions {
  /** How much of what is known of a prompt stays when it is seen again. Default 0.5. */
  memory?: number;
  /** Least weight of a prompt, as a share of the largest: what seems learned is looked at again. Default 0.1. */
  floor?: number;
}

const SHARE = number({ least: 0, most: 1 });

/** What the options of a priority must be. */
export const PRIORITY_RULES: Rules<PromptPriorityOptions> = { memory: SHARE, floor: SHARE };

/**
 * Draws prompts more often whose pictures differed in reward when they were seen last: a group that is all right or all
 * wrong has no advantages and teaches nothing. A prompt that was not seen yet counts as the one that differed most.
 *
 * Source: learnability as in Rutherford et al. 2024 (arXiv 2408.15099): for exact rewards the spread is the root of
 * p (1 - p), p the share of right pictures.
 *
 * @example
 * const priority = new PromptPriority(3, { floor: 0.1 });
 * // All right: there is nothing to learn.
 * priority.learn(0, [1, 1, 1, 1]);
 * priority.learn(1, [0, 1, 0, 1]);
 * priority.weights(null); // [0.1, 1, 1]
 */
export class PromptPriority {
  readonly #memory: number;
  readonly #floor: number;
  /** By prompt; null while it was not seen. */
  #spreads: (number | null)[];

  /**
   * @param count Number of prompts.
   * @throws When there is no such option or one breaks its rule.
   */
  constructor(count: number, options: PromptPriorityOptions = {}) {
    checkOptions('draw prompts by priority', options, PRIORITY_RULES);
    const { memory = 0.5, floor = 0.1 } = options;
    this.#memory = memory;
    this.#floor = floor;
    this.#spreads = Array<null>(count).fill(null);
  }

  /** Takes a group's rewards into what is known of its prompt; those that failed (NaN) are left out. */
  learn(prompt: number, rewards: readonly number[]): void {
    const rated = rewards.filter(Number.isFinite);
    if (rated.length === 0) return;
    const spread = standardDeviation(rated, 0);
    const before = this.#spreads[prompt] ?? spread;
    this.#spreads[prompt] = this.#memory * before + (1 - this.#memory) * spread;
  }

  /**
   * The weight of each prompt.
   *
   * @param base Weights that these are multiplied with, or null.
   */
  weights(base: readonly number[] | null): number[] {
    const largest = Math.max(0, ...this.#spreads.map((spread) => spread ?? 0));
    return this.#spreads.map((spread, at) => {
      const share = spread === null || largest === 0 ? 1 : spread / largest;
      return (base?.[at] ?? 1) * (this.#floor + (1 - this.#floor) * share);
    });
  }

  /** What is known, as plain JSON. */
  get state(): (number | null)[] {
    return [...this.#spreads];
  }

  /** Goes on from there. @throws When it is of another number of prompts. */
  restore(state: readonly (number | null)[]): void {
    if (state.length !== this.#spreads.length) {
      throw new Error(
        `Cannot resume drawing prompts by priority as there must be as many as before, ${state.length}: current number is ${this.#spreads.length}`,
      );
    }
    this.#spreads = [...state];
  }
}
