import type { TrainableModel } from '../pipelines';

/**
 * Sets whether gradients run a model's blocks again instead of keeping what they compute.
 *
 * @param isOn null leaves the model as it is.
 * @throws When it is to be on, and the model offers no such thing.
 */
export function setGradientCheckpointing(model: TrainableModel, isOn: boolean | null): void {
  if (isOn === null) return;
  if (!isOn) {
    model.disableGradientCheckpointing?.();
    return;
  }
  if (model.enableGradientCheckpointing === undefined) {
    throw new Error(
      `Cannot train with gradientCheckpointing as the transformer must have enableGradientCheckpointing(): current value is ${model.constructor.name}, which has none`,
    );
  }
  model.enableGradientCheckpointing();
}
