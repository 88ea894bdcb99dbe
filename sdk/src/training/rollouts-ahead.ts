import type { PromptRecord } from '../rewards';
import type { RolloutBatch } from './rollout-batch';
import type { StepRewards } from './score-step';

/** A step's rollout with its rewards, and what it was made of. */
export interface StepRollout {
  batch: RolloutBatch;
  scored: StepRewards;
  /** One record a group. */
  drawn: PromptRecord[];
  /** The step whose weights it was made with. */
  version: number;
}

/** How rollouts are begun. */
export interface RolloutSource {
  /** Makes the present weights known as those of a step. */
  publish(version: number): Promise<void>;
  /** Rolls out for a step with the weights of another. */
  start(step: number, version: number, signal: AbortSignal): Promise<StepRollout>;
}

/**
 * Rollouts over workers that are begun before their step, so that workers have something to do while the weights are updated.
 *
 * Step s is rolled out with the weights of step s - `maxStaleness`, those that the run began with at first: which weights it
 * gets does not depend on how fast anything is, so that a run repeats itself. With 0 every step has its own weights.
 */
export class RolloutsAhead {
  readonly #started = new Map<number, Promise<StepRollout>>();
  readonly #end = new AbortController();

  constructor(
    readonly maxStaleness: number,
    private readonly source: RolloutSource,
  ) {}

  /**
   * The rollout of a step, and begins those that its weights are for. A rollout that failed is begun anew the next time.
   *
   * @param last The step that none is begun beyond.
   * @throws The signal's reason once it is aborted; the rollout goes on, and the next call takes it.
   */
  async take(step: number, last: number, signal: AbortSignal | null): Promise<StepRollout> {
    const furthest = Math.max(step, Math.min(step + this.maxStaleness, last));
    const missing = Array.from({ length: furthest - step + 1 }, (_, at) => step + at).filter(
      (one) => !this.#started.has(one),
    );
    if (missing.length > 0) await this.source.publish(step);
    for (const one of missing) {
      const rollout = this.source.start(one, step, this.#end.signal);
      // Whoever takes it sees that it failed.
      rollout.catch(() => {});
      this.#started.set(one, rollout);
    }
    const taken = this.#started.get(step) as Promise<StepRollout>;
    try {
      const rollout = await orAborted(taken, signal);
      this.#started.delete(step);
      return rollout;
    } catch (error) {
      if (!signal?.aborted) this.#started.delete(step);
      throw error;
    }
  }

  /** Stops what was begun, and frees it. */
  dispose(): void {
    this.#end.abort(new Error('Cannot go on with a rollout as its trainer was disposed'));
    for (const rollout of this.#started.values()) {
      rollout.then(({ batch }) => batch.dispose()).catch(() => {});
    }
    this.#started.clear();
  }
}

/** What a promise gives, unless the signal is aborted before. */
async function orAborted<Result>(
  promise: Promise<Result>,
  signal: AbortSignal | null,
): Promise<Result> {
  if (signal === null) return promise;
  signal.throwIfAborted();
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop);
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
