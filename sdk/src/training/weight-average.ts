import { WeightCopy } from '../models';
import type { tf } from '../tensorflow';

/**
 * An exponential mean of weights: average <- decay * average + (1 - decay) * weight. It is steadier
 * than the weights and usually makes the better pictures.
 *
 * @example
 * const average = new WeightAverage(pipeline.transformer.trainableVariables(), 0.95);
 * average.update();
 * const request = { prompts: ['a red circle'], sampling_params: { seed: 1 } };
 * const { output } = await average.use(() => pipeline.forward(request, { numInferenceSteps: 10 }));
 * average.dispose();
 */
export class WeightAverage extends WeightCopy {
  /**
   * @param decay From 0 to 1; the mean reaches back about 1 / (1 - decay) updates.
   * @throws When the decay is not 0 to less than 1.
   */
  constructor(
    variables: ReadonlyMap<string, tf.Variable>,
    readonly decay: number,
  ) {
    if (!(decay >= 0 && decay < 1)) {
      throw new Error(
        `Cannot average weights as the decay must be 0 to less than 1: current value is ${decay}`,
      );
    }
    super(variables);
  }

  /** Takes the current weights into the mean. */
  update(): void {
    this.average(this.decay);
  }
}
