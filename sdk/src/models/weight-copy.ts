import { afterwards } from '../core/afterwards';
import { tf } from '../tensorflow';

/**
 * A second set of values of some variables, which stay the model's own: an old policy, a reference, or a mean of the
 * weights.
 *
 * @example
 * const weight = tf.variable(tf.scalar(1));
 * const copy = new WeightCopy(new Map([['weight', weight]]));
 * weight.assign(tf.scalar(3));
 * copy.average(0.5);
 * copy.use(() => weight.dataSync()); // [2]
 * weight; // 3
 */
export class WeightCopy {
  readonly #values: Map<string, tf.Tensor>;

  /** @param variables Are copied as they are now. */
  constructor(readonly variables: ReadonlyMap<string, tf.Variable>) {
    this.#values = new Map(
      [...variables].map(([name, variable]) => [name, tf.keep(variable.clone())]),
    );
  }

  /** By the variables' names. They stay the copy's. */
  get values(): ReadonlyMap<string, tf.Tensor> {
    return this.#values;
  }

  /** Takes the variables' values over. */
  copy(): void {
    this.#replace((variable) => variable.clone());
  }

  /**
   * copy <- decay * copy + (1 - decay) * variable
   *
   * @param decay From 0 to 1.
   * @throws When the decay lies beyond.
   */
  average(decay: number): void {
    if (!(decay >= 0 && decay <= 1)) {
      throw new Error(
        `Cannot average weights as the decay must be 0 to 1: current value is ${decay}`,
      );
    }
    this.#replace((variable, before) => tf.add(tf.mul(before, decay), tf.mul(variable, 1 - decay)));
  }

  /**
   * Takes values that were kept elsewhere, such as in a checkpoint.
   *
   * @param values By the variables' names; they stay the caller's.
   * @throws When one is missing or of another shape.
   */
  load(values: ReadonlyMap<string, tf.Tensor>): void {
    for (const [name, { shape }] of this.variables) requireShape(name, shape, values.get(name));
    this.#replace((_, __, name) => (values.get(name) as tf.Tensor).clone());
  }

  /** Runs `work` with the copy in place of the variables' values, and puts those back; waits for a promise. */
  use<Result>(work: () => Result): Result {
    const held = new Map(
      [...this.variables].map(([name, variable]) => [name, tf.keep(variable.clone())]),
    );
    this.#put(this.#values);
    return afterwards(work, () => {
      this.#put(held);
      tf.dispose([...held.values()]);
    });
  }

  /** Frees the copy; the variables stay as they are. */
  dispose(): void {
    tf.dispose([...this.#values.values()]);
    this.#values.clear();
  }

  #put(values: ReadonlyMap<string, tf.Tensor>): void {
    for (const [name, variable] of this.variables) variable.assign(values.get(name) as tf.Tensor);
  }

  #replace(next: (variable: tf.Variable, before: tf.Tensor, name: string) => tf.Tensor): void {
    for (const [name, variable] of this.variables) {
      const before = this.#values.get(name) as tf.Tensor;
      this.#values.set(
        name,
        tf.tidy(() => tf.keep(next(variable, before, name))),
      );
      before.dispose();
    }
  }
}

/**
 * Gives variables the kept values of the same names.
 *
 * @param values By the variables' names, in their shapes; they stay the caller's.
 * @throws When one is missing or of another shape; then no variable has changed.
 *
 * @example
 * const weight = tf.variable(tf.tensor1d([1, 2]));
 * assignAll(new Map([['weight', weight]]), new Map([['weight', tf.tensor1d([3, 4])]]));
 * weight; // [3, 4]
 */
export function assignAll(
  variables: ReadonlyMap<string, tf.Variable>,
  values: ReadonlyMap<string, tf.Tensor>,
): void {
  for (const [name, { shape }] of variables) requireShape(name, shape, values.get(name));
  for (const [name, variable] of variables) variable.assign(values.get(name) as tf.Tensor);
}

function requireShape(name: string, shape: readonly number[], value: tf.Tensor | undefined): void {
  if (value !== undefined && value.shape.join() === shape.join()) return;
  const current = value === undefined ? 'it is missing' : `current value is [${value.shape}]`;
  throw new Error(`Cannot load weights as "${name}" must have the shape [${shape}]: ${current}`);
}
