import { afterwards } from '../core/afterwards';
import type { RandomKey } from '../core/random-key';
import type { LoraWeights } from '../io/lora-file';
import { byPattern, effectiveAlpha } from '../io/lora-settings';
import { tf } from '../tensorflow';
import { randomNormal, randomUniform } from '../tensorflow/random';
import { multiplyMatrices } from './layers/row-operations';

/** A low-rank adapter of one linear layer, trainable. */
export interface LoraLayer {
  /** (rank, in) */
  readonly A: tf.Variable;
  /** (out, rank) */
  readonly B: tf.Variable;
  readonly rank: number;
  readonly alpha: number;
}

/** Size of a new adapter and how it starts. */
export interface NewLoraOptions {
  rank: number;
  /** The adapter's scale is alpha / rank. Default: rank. */
  alpha?: number;
  /** Ranks of layers that differ, by PEFT's rule: regular expressions for ends of paths. */
  rankPattern?: Readonly<Record<string, number>>;
  /** Alphas of layers that differ, by the same rule. */
  alphaPattern?: Readonly<Record<string, number>>;
  /** Rank-stabilised LoRA (Kalajdzievski 2023, arXiv 2312.03732): the scale is alpha / sqrt(rank). Default false. */
  useRslora?: boolean;
  /**
   * How A starts, as in PEFT: `'gaussian'` (default) is N(0, 1 / rank^2), `true` uniform within 1 / sqrt(in) around 0
   * (Kaiming's with a = sqrt(5)). B is zero.
   */
  initLoraWeights?: 'gaussian' | true;
  /** What the random start depends on. */
  key: RandomKey;
}

/**
 * Named sets of low-rank adapters on the linear layers of a model. All active sets add up.
 *
 * @example
 * const adapters = new LoraAdapters(new Map([['proj', [3, 2]]]));
 * adapters.create('style', ['proj'], { rank: 1, key: RandomKey.fromSeed(0) });
 * adapters.active; // ['style']
 * [...adapters.variables().keys()]; // ['proj.lora_A.style.weight', 'proj.lora_B.style.weight']
 * adapters.merge('proj', tf.ones([3, 2])); // [[1, 1], [1, 1], [1, 1]] // B is zero at first
 */
export class LoraAdapters {
  readonly #sets = new Map<string, Map<string, LoraLayer>>();
  #active: string[] = [];
  #merged: string[] = [];
  /** What the scale of a set is multiplied by, where that is not 1. */
  readonly #weights = new Map<string, number>();
  /** Whether active sets take part in the forward pass. */
  enabled = true;

  /** @param layers The model's linear layers: path to [out, in]. */
  constructor(readonly layers: ReadonlyMap<string, readonly [number, number]>) {}

  /** Names of all sets. */
  names(): string[] {
    return [...this.#sets.keys()];
  }

  /** Names of the sets that take part. */
  get active(): readonly string[] {
    return this.#active;
  }

  /** Names of the sets that the model's weights hold: none of them is active. See `mergeLora`. */
  get merged(): readonly string[] {
    return this.#merged;
  }

  /**
   * Chooses the sets that take part.
   *
   * @param weights What the scale of each is multiplied by from now on. Default: what it was, at first 1.
   * @throws When a name is unknown or of a merged set, or weights are no numbers, one a name.
   */
  setActive(names: readonly string[], weights?: readonly number[]): void {
    for (const name of names) {
      this.get(name);
      if (this.#merged.includes(name)) {
        throw new Error(
          `Cannot choose adapter "${name}" as it must not be merged into the weights: call unmergeLora() first`,
        );
      }
    }
    if (weights !== undefined) {
      if (weights.length !== names.length || !weights.every(Number.isFinite)) {
        throw new Error(
          `Cannot choose adapters as weights must be ${names.length} numbers, one a name: current value is ${JSON.stringify(weights)}`,
        );
      }
      names.forEach((name, index) => this.#weights.set(name, weights[index]));
    }
    this.#active = [...names];
  }

  /** What the scale of a set is multiplied by. */
  weightOf(name: string): number {
    return this.#weights.get(name) ?? 1;
  }

  /**
   * The layers of a set, by module path.
   *
   * @throws When there is no such set; the message lists those that are there.
   */
  get(name: string): ReadonlyMap<string, LoraLayer> {
    const set = this.#sets.get(name);
    if (set === undefined) {
      throw new Error(
        `Cannot find adapter "${name}": present are ${this.names().join(', ') || 'none'}`,
      );
    }
    return set;
  }

  /**
   * Adds a set with A drawn at random and B zero: at first it changes nothing.
   *
   * @param paths Layers that get an adapter.
   * @throws When the name is taken, a layer is not there, or a rank is no whole number from 1.
   */
  create(name: string, paths: readonly string[], options: NewLoraOptions): void {
    this.#checkFree(name);
    const sizes = paths.map((path) => [path, sizeAt(name, path, options)] as const);
    const set = new Map<string, LoraLayer>();
    for (const [path, { rank, alpha }] of sizes) {
      const [outputs, inputs] = this.#sizeOf(path);
      const A = tf.tidy(() => startOfA(options, path, rank, inputs));
      set.set(path, { A: own(A), B: own(tf.zeros([outputs, rank])), rank, alpha });
    }
    this.#add(name, set);
  }

  /**
   * Adds a set that was read from a file.
   *
   * @param weights By module path; the tensors are taken over.
   * @throws When the name is taken, or a layer does not fit.
   */
  adopt(name: string, weights: ReadonlyMap<string, LoraWeights>): void {
    this.#checkFree(name);
    for (const [path, { A, B }] of weights) {
      const [outputs, inputs] = this.#sizeOf(path);
      if (A.shape[1] !== inputs || B.shape[0] !== outputs) {
        throw new Error(
          `Cannot load adapter "${name}" as layer "${path}" must have ${inputs} inputs and ${outputs} outputs: current value is ${A.shape[1]} and ${B.shape[0]}`,
        );
      }
    }
    const set = [...weights].map(([path, { A, B, rank, alpha }]): [string, LoraLayer] => [
      path,
      { A: own(A), B: own(B), rank, alpha },
    ]);
    this.#add(name, new Map(set));
  }

  /**
   * Makes one set what another is now, its weight too. A target that is not there yet is added, and takes no part until it
   * is chosen.
   *
   * @throws When the two do not have the same layers and ranks.
   */
  copy(source: string, target: string): void {
    if (this.#sets.has(target)) {
      this.#combine('copy', source, target, (from) => from);
    } else {
      const set = [...this.get(source)].map(
        ([path, { A, B, rank, alpha }]): [string, LoraLayer] => [
          path,
          { A: tf.variable(A), B: tf.variable(B), rank, alpha },
        ],
      );
      this.#sets.set(target, new Map(set));
    }
    this.#weights.set(target, this.weightOf(source));
  }

  /**
   * target <- decay * target + (1 - decay) * source, element by element of A and B, and for the sets' weights alike: with a
   * decay of 0 it is `copy`.
   *
   * @param decay From 0 to 1.
   * @throws When the two do not have the same layers and ranks.
   */
  average(source: string, target: string, decay: number): void {
    if (!(decay >= 0 && decay <= 1)) {
      throw new Error(
        `Cannot average adapters as the decay must be 0 to 1: current value is ${decay}`,
      );
    }
    this.#combine('average', source, target, (from, to) =>
      tf.add(tf.mul(to, decay), tf.mul(from, 1 - decay)),
    );
    const [from, to] = [this.weightOf(source), this.weightOf(target)];
    // The mean of two equal numbers may be rounded to another, for which models are compiled anew.
    if (from !== to) this.#weights.set(target, decay * to + (1 - decay) * from);
  }

  /**
   * Runs `work` with other sets taking part, none for `[]`, and puts back what took part before; waits for a promise.
   *
   * @example
   * const { transformer } = pipeline;
   * transformer.addLora({ rank: 2, key: RandomKey.fromSeed(0) });
   * transformer.adapters.using([], () => transformer.adapters.active); // []
   * transformer.adapters.active; // ['default']
   */
  using<Result>(names: readonly string[], work: () => Result): Result {
    const [active, enabled] = [this.#active, this.enabled];
    this.setActive(names);
    this.enabled = true;
    return afterwards(work, () => {
      this.#active = active;
      this.enabled = enabled;
    });
  }

  /** Counts the sets that take part as merged: whoever calls it has added them to the weights. */
  markMerged(): void {
    if (!this.enabled) return;
    [this.#merged, this.#active] = [[...this.#merged, ...this.#active], []];
  }

  /** Lets merged sets take part again: the weights do not hold them any more. */
  unmarkMerged(): void {
    [this.#merged, this.#active] = [[], [...this.#merged, ...this.#active]];
  }

  /** Removes a set and disposes its tensors. What is merged stays in the weights. */
  remove(name: string): void {
    for (const { A, B } of this.get(name).values()) [A, B].forEach((tensor) => tensor.dispose());
    this.#sets.delete(name);
    this.#weights.delete(name);
    const isOther = (one: string) => one !== name;
    this.#active = this.#active.filter(isOther);
    this.#merged = this.#merged.filter(isOther);
  }

  /** The adapters that take part at a layer. */
  activeAt(path: string): LoraLayer[] {
    if (!this.enabled) return [];
    return this.#active.flatMap((name) => {
      const layer = this.#sets.get(name)?.get(path);
      return layer === undefined ? [] : { ...layer, alpha: layer.alpha * this.weightOf(name) };
    });
  }

  /** W + sum over active sets of (alpha / rank) B A, the weight that stands for a layer and its adapters. No gradient. */
  merge(path: string, weight: tf.Tensor2D): tf.Tensor2D {
    return this.activeAt(path).reduce((sum, { A, B, rank, alpha }) => {
      const product = multiplyMatrices(
        tf.mul(B as tf.Tensor as tf.Tensor2D, alpha / rank),
        A as tf.Tensor as tf.Tensor2D,
      );
      return tf.add(sum, product);
    }, weight);
  }

  /** A and B of the active sets: `<path>.lora_A.weight`; sets other than `default` carry their name before `weight`. */
  variables(): Map<string, tf.Variable> {
    const variables = new Map<string, tf.Variable>();
    for (const name of this.#active) {
      const infix = name === 'default' ? '' : `.${name}`;
      for (const [path, { A, B }] of this.get(name)) {
        variables.set(`${path}.lora_A${infix}.weight`, A);
        variables.set(`${path}.lora_B${infix}.weight`, B);
      }
    }
    return variables;
  }

  /** Removes all sets. */
  dispose(): void {
    this.names().forEach((name) => this.remove(name));
  }

  #add(name: string, set: Map<string, LoraLayer>): void {
    this.#sets.set(name, set);
    this.#active.push(name);
  }

  #combine(
    action: string,
    source: string,
    target: string,
    next: (from: tf.Tensor, to: tf.Tensor) => tf.Tensor,
  ): void {
    const [from, to] = [this.get(source), this.get(target)];
    const layout = (set: ReadonlyMap<string, LoraLayer>) =>
      [...set].map(([path, { rank, alpha }]) => `${path}:${rank}:${alpha}`).sort();
    if (layout(from).join() !== layout(to).join()) {
      throw new Error(
        `Cannot ${action} adapter "${source}" to "${target}" as both must have the same layers, ranks and alphas: current numbers of layers are ${from.size} and ${to.size}`,
      );
    }
    for (const [path, { A, B }] of from) {
      const other = to.get(path) as LoraLayer;
      tf.tidy(() => {
        other.A.assign(next(A, other.A));
        other.B.assign(next(B, other.B));
      });
    }
  }

  #checkFree(name: string): void {
    if (this.#sets.has(name)) {
      throw new Error(
        `Cannot add adapter "${name}" as the name must be free: call adapters.remove("${name}") first, or choose another name`,
      );
    }
  }

  #sizeOf(path: string): readonly [number, number] {
    const size = this.layers.get(path);
    if (size === undefined) {
      throw new Error(`Cannot add an adapter as the model must have a linear layer "${path}"`);
    }
    return size;
  }
}

/** The rank and alpha of a new adapter at a layer. */
function sizeAt(
  name: string,
  path: string,
  { rank: usual, alpha = usual, rankPattern, alphaPattern, useRslora }: NewLoraOptions,
): { rank: number; alpha: number } {
  const rank = byPattern(rankPattern, path) ?? usual;
  if (!Number.isSafeInteger(rank) || rank < 1) {
    throw new Error(
      `Cannot add adapter "${name}" as rank must be a whole number from 1: current value is ${rank}`,
    );
  }
  return { rank, alpha: effectiveAlpha(byPattern(alphaPattern, path) ?? alpha, rank, useRslora) };
}

/** (rank, in) */
function startOfA(
  { key, initLoraWeights: start = 'gaussian' }: NewLoraOptions,
  path: string,
  rank: number,
  inputs: number,
): tf.Tensor2D {
  const own = key.fold(path);
  if (start === 'gaussian') return tf.mul(randomNormal(own, [rank, inputs]), 1 / rank);
  return tf.mul(tf.sub(tf.mul(randomUniform(own, [rank, inputs]), 2), 1), inputs ** -0.5);
}

/** A variable that has taken a tensor's place. */
function own(tensor: tf.Tensor): tf.Variable {
  const variable = tf.variable(tensor);
  tensor.dispose();
  return variable;
}
