import { orAborted } from '../core/or-aborted';
import type { PromptRecord } from '../rewards';
import { tf } from '../tensorflow';
import type { RolloutBatch } from './rollout-batch';
import type { StepRewards } from './score-step';
import type { EarlierWeights, WeightVersions } from './trainer-state';

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
  /** A copy of the weights that roll out now, by their names; it is the caller's. */
  copy(): Promise<Map<string, tf.Tensor>>;
  /**
   * Makes weights known as those of a step: a copy, or for null the present ones.
   *
   * @throws The signal's reason once it is aborted; the model has its own weights again then.
   */
  publish(
    version: number,
    weights: ReadonlyMap<string, tf.Tensor> | null,
    signal: AbortSignal | null,
  ): Promise<void>;
  /**
   * Rolls out for a step with the weights that were published last.
   *
   * @param how.onAsked Called once all parts are asked for: from then on other weights may be published.
   */
  start(
    step: number,
    version: number,
    how: { signal: AbortSignal; onAsked: () => void },
  ): Promise<StepRollout>;
}

/**
 * Rollouts over workers that are begun before their step, so that workers have something to do while the weights are updated.
 *
 * Step s is rolled out with the weights of step s - `maxStaleness`, those that the run began with at first: which weights it
 * gets does not depend on how fast anything is, so that a run repeats itself. With 0 every step has its own weights, and none are
 * kept. Otherwise those of `maxStaleness` + 1 steps are, the present one among them, for checkpoints and for rollouts that are begun anew.
 */
export class RolloutsAhead implements EarlierWeights {
  readonly #started = new Map<number, Promise<StepRollout>>();
  readonly #end = new AbortController();
  readonly #kept = new Map<number, Map<string, tf.Tensor>>();
  /** Until each part of what was begun is asked for, or its rollout has failed. */
  #asked: Promise<unknown> = Promise.resolve();

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
    await this.#keep(step);
    for (const [version, steps] of this.#missing(step, last)) {
      // Workers keep a version that parts were asked for with: the next one has to come after.
      await orAborted(this.#asked, signal);
      await this.source.publish(version, this.#kept.get(version) ?? null, signal);
      this.#asked = Promise.all(steps.map((one) => this.#begin(one, version)));
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

  /** What the steps after those done are rolled out with, of weights before the present ones. */
  after(stepsDone: number): WeightVersions {
    const isNeeded = (version: number) =>
      version > stepsDone - this.maxStaleness && version <= stepsDone;
    return new Map([...this.#kept].filter(([version]) => isNeeded(version)));
  }

  load(versions: WeightVersions): void {
    this.#forget();
    for (const [version, weights] of versions) {
      const copies = [...weights].map(([name, tensor]) => [name, tf.keep(tensor.clone())] as const);
      this.#kept.set(version, new Map(copies));
    }
  }

  /** Stops what was begun, and frees it. */
  dispose(): void {
    this.#end.abort(new Error('Cannot go on with a rollout as its trainer was disposed'));
    this.#forget();
  }

  /** Keeps a step's weights, and lets go of those that no step asks for any more. */
  async #keep(step: number): Promise<void> {
    if (this.maxStaleness === 0) return;
    for (const [version, weights] of this.#kept) {
      if (version < step - this.maxStaleness) this.#drop(version, weights);
    }
    if (!this.#kept.has(step)) this.#kept.set(step, await this.source.copy());
  }

  /** Steps that are to be begun, by the version of their weights: of those that there are, the oldest that is not too old. */
  #missing(step: number, last: number): Map<number, number[]> {
    const furthest = Math.max(step, Math.min(step + this.maxStaleness, last));
    const byVersion = new Map<number, number[]>();
    for (let one = step; one <= furthest; one++) {
      if (this.#started.has(one)) continue;
      const least = one > last ? step : one - this.maxStaleness;
      const version = Math.min(step, ...[...this.#kept.keys()].filter((kept) => kept >= least));
      byVersion.set(version, [...(byVersion.get(version) ?? []), one]);
    }
    return byVersion;
  }

  /** @returns A promise that waits until all parts are asked for. */
  #begin(step: number, version: number): Promise<void> {
    return new Promise((onAsked) => {
      const rollout = this.source.start(step, version, { signal: this.#end.signal, onAsked });
      this.#started.set(step, rollout);
      // Whoever takes it sees that it failed.
      rollout.catch(() => onAsked());
    });
  }

  #forget(): void {
    for (const rollout of this.#started.values()) {
      rollout.then(({ batch }) => batch.dispose()).catch(() => {});
    }
    this.#started.clear();
    for (const [version, weights] of this.#kept) this.#drop(version, weights);
  }

  #drop(version: number, weights: ReadonlyMap<string, tf.Tensor>): void {
    tf.dispose([...weights.values()]);
    this.#kept.delete(version);
  }
}
