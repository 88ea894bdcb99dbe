import { WeightCopy, assignAll } from '../models';
import type { tf } from '../tensorflow';
import type { TrainableModel } from './model-mixin';
import { requireActiveAdapter } from './require-active-adapter';

/** Where the other state of a policy is kept. */
interface Place {
  copy(): void;
  average(decay: number): void;
  use<Result>(work: () => Result): Result;
  values(): Map<string, tf.Tensor>;
  load(values: ReadonlyMap<string, tf.Tensor>): void;
  dispose(): void;
}

/**
 * Another state of a policy beside the one that is trained: an old policy, or the reference that it is held to. For a
 * model with adapters it is a named adapter, or none; for one that trains all its weights, a frozen copy of them.
 *
 * @example
 * const old = PolicyState.copyOf(pipeline.transformer, 'old');
 * // old <- 0.9 old + 0.1 current
 * old.average(0.9);
 * const batch = await old.use(() => rolloutGroups(pipeline, [{ prompt: 'a red circle' }], { key: RandomKey.fromSeed(1), groupSize: 2 }));
 * old.dispose();
 */
export class PolicyState {
  readonly #place: Place;
  #isDisposed = false;

  private constructor(place: Place) {
    this.#place = place;
  }

  /**
   * A copy of the policy as it is now.
   *
   * @param name Of the adapter that holds it; a model without adapters does not need it.
   * @throws When more than one adapter takes part, as there is none that could be copied; when the name is taken; when there
   *   are adapters and none takes part.
   */
  static copyOf(model: TrainableModel, name: string): PolicyState {
    const { adapters } = model;
    if (adapters.active.length === 0) return PolicyState.#ofWeights(model);
    const [source, ...others] = adapters.active;
    if (others.length > 0 || source === name) {
      throw new Error(
        `Cannot copy a policy to adapter "${name}" as exactly one other adapter must be active: active are ${adapters.active.join(', ')}`,
      );
    }
    PolicyState.requireFree(model, name);
    adapters.copy(source, name);
    return new PolicyState({
      copy: () => adapters.copy(source, name),
      average: (decay) => adapters.average(source, name, decay),
      use: (work) => adapters.using([name], work),
      values: () => adapters.using([name], () => new Map(adapters.variables())),
      load: (values) => adapters.using([name], () => assignAll(adapters.variables(), values)),
      dispose: () => adapters.remove(name),
    });
  }

  /**
   * Checks that a copy of the policy can have an adapter of this name to itself: one that is there would be overwritten, and
   * removed in the end.
   *
   * @throws When the model has such an adapter.
   */
  static requireFree({ adapters }: TrainableModel, name: string): void {
    if (!adapters.names().includes(name)) return;
    throw new Error(
      `Cannot copy a policy to adapter "${name}" as the name must be free: present are ${adapters.names().join(', ')}; call adapters.remove("${name}") first, or load it under another name`,
    );
  }

  /**
   * What training starts from: the model without the adapters that take part, or a copy of all its weights as they are now.
   * Adapters that were merged before are part of its weights.
   *
   * @throws When there are adapters and none takes part, as after `mergeLora`: what they started from is not there then.
   */
  static referenceOf(model: TrainableModel): PolicyState {
    const { adapters } = model;
    if (adapters.active.length === 0) return PolicyState.#ofWeights(model);
    const refuse = () => {
      throw new Error(
        'Cannot change the reference policy as it is the model without its adapters, whose weights are not trained',
      );
    };
    return new PolicyState({
      copy: refuse,
      average: refuse,
      use: (work) => adapters.using([], work),
      values: () => new Map(),
      load: refuse,
      dispose: () => {},
    });
  }

  static #ofWeights(model: TrainableModel): PolicyState {
    requireActiveAdapter(model, 'keep another state of a policy');
    const weights = new WeightCopy(model.trainableVariables());
    return new PolicyState({
      copy: () => weights.copy(),
      average: (decay) => weights.average(decay),
      use: (work) => weights.use(work),
      values: () => new Map(weights.values),
      load: (values) => weights.load(values),
      dispose: () => weights.dispose(),
    });
  }

  /** Takes the current policy over. */
  copy(): void {
    this.#place.copy();
  }

  /** state <- decay * state + (1 - decay) * current, for a decay from 0 to 1. */
  average(decay: number): void {
    this.#place.average(decay);
  }

  /** Runs `work` while the model is in this state, and puts the current policy back; waits for a promise. */
  use<Result>(work: () => Result): Result {
    return this.#place.use(work);
  }

  /** Its tensors by name, for a checkpoint; they stay the state's. Empty where nothing is kept. */
  values(): Map<string, tf.Tensor> {
    return this.#place.values();
  }

  /**
   * Takes over what `values` gave before.
   *
   * @throws When a tensor is missing or of another shape, and where nothing is kept.
   */
  load(values: ReadonlyMap<string, tf.Tensor>): void {
    this.#place.load(values);
  }

  /** Frees the copy, or removes its adapter; a second time it does nothing. */
  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    this.#place.dispose();
  }
}
