import { failureSaidOnce } from '../core/observer';
import { mean } from '../core/statistics';
import { getReward, scoreRewards, type RewardFunction, type ScoreOptions } from '../rewards';
import type { RolloutBatch } from './rollout-batch';

/** Rewards that are reported and do not train: one that fails is missing from the log, and training goes on. */
export class Monitors {
  readonly #all: { name: string; by: string | RewardFunction; failed: (error: unknown) => void }[];

  /** @throws When a name is of no registered reward. */
  constructor(monitors: Readonly<Record<string, string | RewardFunction>>) {
    this.#all = Object.entries(monitors).map(([name, by]) => {
      if (typeof by === 'string') getReward(by);
      return { name, by, failed: failureSaidOnce(`Monitor "${name}"`, 'training') };
    });
  }

  /**
   * Means over a step's pictures, by name; NaN where a monitor failed.
   *
   * @throws The signal's reason once it is aborted.
   */
  async rate(
    { images, prompts }: Pick<RolloutBatch, 'images' | 'prompts'>,
    { signal = null, timeoutMs }: ScoreOptions,
  ): Promise<Record<string, number>> {
    const means: Record<string, number> = {};
    for (const { name, by, failed } of this.#all) {
      try {
        means[name] = mean(await scoreRewards(by, images, prompts, { signal, timeoutMs }));
      } catch (error) {
        signal?.throwIfAborted();
        failed(error);
        means[name] = NaN;
      }
    }
    return means;
  }
}
