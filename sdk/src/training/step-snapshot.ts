import { assignAll } from '../models';
import { tf } from '../tensorflow';
import type { TrainerState } from './trainer-state';
import { copyOf } from './weights-in-place';

/**
 * Everything that a step changes, as it was before. While a step goes on both states are held; before its first update, they share
 * their memory.
 */
export class StepSnapshot {
  readonly #state: TrainerState;
  readonly #weights: Map<string, tf.Tensor>;
  readonly #moments: Map<string, tf.Tensor>;
  readonly #average: Map<string, tf.Tensor> | null;
  readonly #policies: [name: string, values: Map<string, tf.Tensor>][];

  constructor(state: TrainerState) {
    this.#state = state;
    this.#weights = copyOf(state.model.trainableVariables());
    this.#moments = state.optimizer.stateDict();
    this.#average = state.average === null ? null : copyOf(state.average.values);
    this.#policies = Object.entries(state.policies).map(([name, policy]) => [
      name,
      copyOf(policy.values()),
    ]);
  }

  /** Puts it all back. */
  restore(): void {
    const { model, optimizer, average, policies } = this.#state;
    assignAll(model.trainableVariables(), this.#weights);
    optimizer.loadStateDict(this.#moments);
    if (this.#average !== null) average?.load(this.#average);
    for (const [name, values] of this.#policies) {
      if (values.size > 0) policies[name].load(values);
    }
  }

  dispose(): void {
    const kept = [this.#weights, this.#moments, this.#average ?? new Map<string, tf.Tensor>()];
    for (const [, values] of this.#policies) kept.push(values);
    for (const values of kept) tf.dispose([...values.values()]);
  }
}
