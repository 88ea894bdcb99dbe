import { tf } from '../tensorflow';

/**
 * An exponential mean of weights: average <- decay * average + (1 - decay) * weight. It is steadier
 * than the weights and usually makes the better pictures.
 *
 * @example
 * const average = new WeightAverage(pipeline.transformer.trainableVariables(), 0.95);
 * average.update();
 * await average.use(async () => makePictures());
 */
export class WeightAverage {
  readonly #averages: Map<string, tf.Tensor>;

  /** @param decay From 0 to 1; the mean reaches back about 1 / (1 - decay) updates. */
  constructor(
    readonly variables: ReadonlyMap<string, tf.Variable>,
    readonly decay: number,
  ) {
    if (!(decay >= 0 && decay < 1)) {
      throw new Error(
        `Cannot average weights as the decay must be 0 to less than 1: current value is ${decay}`,
      );
    }
    this.#averages = new Map(
      [...variables].map(([name, variable]) => [name, tf.keep(variable.clone())]),
    );
  }

  /** Takes the current weights into the mean. */
  update(): void {
    for (const [name, variable] of this.variables) {
      const before = this.#averages.get(name) as tf.Tensor;
      const next = tf.tidy(() =>
        tf.keep(tf.add(tf.mul(before, this.decay), tf.mul(variable, 1 - this.decay))),
      );
      before.dispose();
      this.#averages.set(name, next);
    }
  }

  /** Runs `work` with the mean in place of the weights, and puts the weights back. */
  async use<Result>(work: () => Promise<Result>): Promise<Result> {
    const weights = new Map(
      [...this.variables].map(([name, variable]) => [name, tf.keep(variable.clone())]),
    );
    const put = (values: ReadonlyMap<string, tf.Tensor>) => {
      for (const [name, variable] of this.variables) variable.assign(values.get(name) as tf.Tensor);
    };
    put(this.#averages);
    try {
      return await work();
    } finally {
      put(weights);
      tf.dispose([...weights.values()]);
    }
  }

  dispose(): void {
    tf.dispose([...this.#averages.values()]);
    this.#averages.clear();
  }
}
