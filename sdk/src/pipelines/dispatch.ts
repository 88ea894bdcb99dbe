import type { DiffusionModelConfigLike } from '../config';
import { backendInfo, type tf } from '../tensorflow';
import { DiffusionModelBase } from './diffusion-model-base';
import type {
  MicroBatch,
  ModelInputs,
  ModelMixin,
  ReverseStep,
  SchedulerInputs,
  SchedulerMixin,
} from './model-mixin';

/** `buildScheduler` of the adapter that is registered for `modelConfig`. */
export function buildScheduler(modelConfig: DiffusionModelConfigLike): SchedulerMixin {
  return DiffusionModelBase.getClass(modelConfig).buildScheduler(modelConfig);
}

/** `setTimesteps` of the adapter that is registered for `modelConfig`, on the device in use. */
export function setTimesteps(
  scheduler: SchedulerMixin,
  modelConfig: DiffusionModelConfigLike,
): void {
  const device = backendInfo().device.toLowerCase();
  DiffusionModelBase.getClass(modelConfig).setTimesteps(scheduler, modelConfig, device);
}

/** `prepareModelInputs` of the adapter that is registered for `modelConfig`. */
export function prepareModelInputs(
  module: ModelMixin,
  modelConfig: DiffusionModelConfigLike,
  latents: tf.Tensor,
  timesteps: tf.Tensor,
  promptEmbeds: tf.Tensor,
  promptEmbedsMask: tf.Tensor | null,
  negativePromptEmbeds: tf.Tensor | null,
  negativePromptEmbedsMask: tf.Tensor | null,
  microBatch: MicroBatch,
  step: number,
): [ModelInputs, ModelInputs | null] {
  return DiffusionModelBase.getClass(modelConfig).prepareModelInputs(
    module,
    modelConfig,
    latents,
    timesteps,
    promptEmbeds,
    promptEmbedsMask,
    negativePromptEmbeds,
    negativePromptEmbedsMask,
    microBatch,
    step,
  );
}

/** `forwardAndSamplePreviousStep` of the adapter that is registered for `modelConfig`. */
export function forwardAndSamplePreviousStep(
  module: ModelMixin,
  scheduler: SchedulerMixin,
  modelConfig: DiffusionModelConfigLike,
  modelInputs: ModelInputs,
  negativeModelInputs: ModelInputs | null,
  schedulerInputs: SchedulerInputs | null,
  step: number,
): ReverseStep {
  return DiffusionModelBase.getClass(modelConfig).forwardAndSamplePreviousStep(
    module,
    scheduler,
    modelConfig,
    modelInputs,
    negativeModelInputs,
    schedulerInputs,
    step,
  );
}
