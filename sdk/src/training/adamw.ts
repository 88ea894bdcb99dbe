import { setImmediate } from 'node:timers/promises';
import { checkOptions, listOf, number, type Rules } from '../core/option-rules';
import { compile, isBfloat16, tf } from '../tensorflow';
import { adamwCoefficients, adamwUpdate, type AdamWTensors } from './adamw-update';
import type { Gradients } from './clip-gradients';
import { weightGroups } from './weight-groups';

/** Settings of AdamW; names and defaults are verl-omni's (actor.optim), in camelCase. */
export interface AdamWOptions {
  /** Learning rate. Default 1e-6. */
  lr?: number;
  /** Decay of the running mean and of the running mean square. Default [0.9, 0.999]. */
  betas?: readonly [number, number];
  /** Added to the root of the running mean square. Default 1e-8. */
  eps?: number;
  /** Decoupled weight decay. Default 0.01. */
  weightDecay?: number;
}

const RULES: Rules<AdamWOptions> = {
  lr: number({ least: 0 }),
  betas: listOf(number({ least: 0, below: 1 }), { length: 2, words: 'a list of two numbers' }),
  eps: number({ least: 0 }),
  weightDecay: number(),
};

type GivenTensors = AdamWTensors & { parameters: tf.Variable[] };
type UpdatedTensors = ReturnType<typeof adamwUpdate>;

interface Moments {
  /** Steps this parameter has taken. */
  step: number;
  mean: tf.Tensor;
  square: tf.Tensor;
}

/**
 * AdamW (https://arxiv.org/abs/1711.05101) by PyTorch's rule, with bias correction and decoupled decay:
 *
 *   p <- p (1 - lr * weightDecay)
 *   m <- beta1 m + (1 - beta1) g,  v <- beta2 v + (1 - beta2) g^2
 *   p <- p - lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps)
 *
 * A parameter without a gradient is left alone, and its t does not advance.
 *
 * @example
 * const w = tf.variable(tf.tensor1d([1, 2]));
 * const optimizer = new AdamW(new Map([['w', w]]), { lr: 0.1, weightDecay: 0 });
 * optimizer.step(new Map([['w', tf.tensor1d([0.5, -3])]]));
 * w; // [0.9, 2.1]
 */
export class AdamW {
  /** Learning rate of the next step. */
  lr: number;
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly weightDecay: number;
  readonly #parameters: ReadonlyMap<string, tf.Variable>;
  readonly #moments = new Map<string, Moments>();
  #updates = 0;
  // Not through XLA: compiling it for many small parameters takes longer than it saves.
  readonly #compiledUpdate = compile(adamwUpdate, { name: 'AdamW', xla: false, maxSignatures: 64 });

  /**
   * @param parameters By name; updated in place.
   * @throws When there is no such setting or one breaks its rule, or a parameter is held in bfloat16.
   */
  constructor(parameters: ReadonlyMap<string, tf.Variable>, options: AdamWOptions = {}) {
    checkOptions('make AdamW', options, RULES);
    const { lr = 1e-6, betas = [0.9, 0.999], eps = 1e-8, weightDecay = 0.01 } = options;
    const half = [...parameters].find(([, parameter]) => isBfloat16(parameter));
    if (half !== undefined) {
      throw new Error(
        `Cannot make AdamW as parameters must be float32, whose steps are as fine as updates: "${half[0]}" is bfloat16; train adapters, or load the model without dtype`,
      );
    }
    this.lr = lr;
    this.betas = betas;
    this.eps = eps;
    this.weightDecay = weightDecay;
    this.#parameters = parameters;
  }

  /** Calls of `step` since it was made. */
  get updates(): number {
    return this.#updates;
  }

  /**
   * Updates every parameter that has a gradient.
   *
   * @param gradients By parameter name, in the parameters' shapes. They stay the caller's.
   * @throws On a gradient whose name is no parameter.
   */
  step(gradients: Gradients): void {
    for (const names of this.#begin(gradients)) {
      const { tensors, coefficients, t } = this.#given(names, gradients);
      const next = tf.tidy(() => this.#compiledUpdate(tensors, coefficients));
      coefficients.dispose();
      this.#take(names, t, tensors, next);
    }
  }

  /**
   * `step` with the update on another thread, so that this one stays free. Nothing else may use parameters or gradients
   * meanwhile. The result is the same to the last bit.
   */
  async stepAsync(gradients: Gradients): Promise<void> {
    for (const names of this.#begin(gradients)) {
      await setImmediate();
      const { tensors, coefficients, t } = this.#given(names, gradients);
      const running = this.#compiledUpdate.runAsync(tensors, coefficients);
      coefficients.dispose();
      this.#take(names, t, tensors, await running);
    }
  }

  /**
   * Copies of the optimizer's state: `exp_avg.<name>`, `exp_avg_sq.<name>` and `step.<name>` (int32 scalar) of each
   * parameter that has taken a step. The caller owns them.
   */
  stateDict(): Map<string, tf.Tensor> {
    const state = new Map<string, tf.Tensor>();
    for (const [name, { step, mean, square }] of this.#moments) {
      state.set(`exp_avg.${name}`, mean.clone());
      state.set(`exp_avg_sq.${name}`, square.clone());
      state.set(`step.${name}`, tf.scalar(step, 'int32'));
    }
    return state;
  }

  /**
   * Replaces the state by a saved one.
   *
   * @param state As `stateDict` gave it; the tensors stay the caller's.
   * @throws When a tensor is missing, or there is no parameter of its name and shape.
   */
  loadStateDict(state: ReadonlyMap<string, tf.Tensor>): void {
    const part = (kind: string, name: string): tf.Tensor => {
      const tensor = state.get(`${kind}.${name}`);
      if (tensor === undefined) {
        throw new Error(`Cannot load AdamW's state as "${kind}.${name}" is missing`);
      }
      return tensor;
    };
    const names = [...state.keys()]
      .filter((key) => key.startsWith('step.'))
      .map((key) => key.slice('step.'.length));
    for (const name of names) {
      const parameter = this.#parameters.get(name);
      const shape = part('exp_avg', name).shape;
      if (parameter === undefined || parameter.shape.join() !== shape.join()) {
        throw new Error(
          `Cannot load AdamW's state as there is no parameter "${name}" of shape [${shape}]`,
        );
      }
    }
    this.#forget();
    for (const name of names) {
      this.#moments.set(name, {
        step: part('step', name).dataSync()[0],
        mean: tf.keep(part('exp_avg', name).clone()),
        square: tf.keep(part('exp_avg_sq', name).clone()),
      });
    }
  }

  /** Frees the state. The parameters stay the caller's. */
  dispose(): void {
    this.#forget();
    this.#compiledUpdate.dispose();
  }

  #forget(): void {
    for (const { mean, square } of this.#moments.values()) tf.dispose([mean, square]);
    this.#moments.clear();
  }

  /** Begins a step: the names of what is updated, in groups of equal t. */
  #begin(gradients: Gradients): string[][] {
    for (const name of gradients.keys()) {
      if (!this.#parameters.has(name)) {
        throw new Error(`Cannot step AdamW as there is no parameter "${name}"`);
      }
    }
    this.#updates += 1;
    return weightGroups(gradients, (name) => this.#moments.get(name)?.step);
  }

  /** What a group's update is computed from. */
  #given(names: readonly string[], gradients: Gradients) {
    const t = (this.#moments.get(names[0])?.step ?? 0) + 1;
    const parameters = names.map((name) => this.#parameters.get(name) as tf.Variable);
    const moments = names.map((name, k) => this.#moments.get(name) ?? zeroMoments(parameters[k]));
    const tensors = {
      parameters,
      gradients: names.map((name) => gradients.get(name) as tf.Tensor),
      means: moments.map(({ mean }) => mean),
      squares: moments.map(({ square }) => square),
    };
    return { tensors, coefficients: adamwCoefficients(this, t), t };
  }

  /** Puts a group's new values in the place of those they were computed from. */
  #take(
    names: readonly string[],
    t: number,
    { parameters, means, squares }: GivenTensors,
    next: UpdatedTensors,
  ): void {
    names.forEach((name, k) => {
      parameters[k].assign(next.parameters[k]);
      tf.dispose([next.parameters[k], means[k], squares[k]]);
      const [mean, square] = [tf.keep(next.means[k]), tf.keep(next.squares[k])];
      this.#moments.set(name, { step: t, mean, square });
    });
  }
}

function zeroMoments(parameter: tf.Variable): Moments {
  return { step: 0, mean: tf.zerosLike(parameter), square: tf.zerosLike(parameter) };
}
