import type { DiffusionModelConfig } from '../config';
import {
  DiffusionModelBase,
  forwardAndSamplePreviousStep,
  prepareModelInputs,
  type MicroBatch,
  type ModelInputs,
  type ModelMixin,
  type SchedulerMixin,
  type TrainableModel,
} from '../pipelines';
import type { tf } from '../tensorflow';
import type { BatchTensors } from './rollout-batch';

/** What the steps of a rollout are replayed with. */
export interface ReplayModel {
  transformer: ModelMixin;
  /** With the rollout's timesteps. */
  scheduler: SchedulerMixin;
  modelConfig: DiffusionModelConfig;
}

/** What the gradients of a model are computed with. */
export interface PolicyModel extends ReplayModel {
  transformer: TrainableModel;
}

/** One step of a rollout as a model sees it. */
export interface ReplayedStep {
  /** (B) */
  log_probs: tf.Tensor;
  /** (B, ...) as the latents. */
  prev_sample_mean: tf.Tensor;
  /** (B, 1, ...) */
  std_dev_t: tf.Tensor;
  /** (B) */
  sqrt_dt: tf.Tensor;
  /** (B, ...) the velocity, when it was asked for. */
  noise_pred: tf.Tensor | null;
}

/** An adapter that says by which velocity it steps. */
interface VelocityAdapter {
  predictVelocity(
    module: ModelMixin,
    config: DiffusionModelConfig,
    inputs: ModelInputs,
    negativeInputs: ModelInputs | null,
  ): tf.Tensor;
}

/**
 * Replays one step of a rollout through the training adapter; differentiable. Call it within `tf.tidy`.
 *
 * @param velocity Whether the velocity is wanted as well: that runs the model a second time.
 * @throws When the velocity is wanted and the adapter has no static method `predictVelocity`.
 */
export function replayStep(
  { transformer, scheduler, modelConfig }: ReplayModel,
  microBatch: MicroBatch & BatchTensors,
  step: number,
  velocity = false,
): ReplayedStep {
  const [inputs, negativeInputs] = prepareModelInputs(
    transformer,
    modelConfig,
    microBatch.all_latents,
    microBatch.all_timesteps,
    microBatch.prompt_embeds,
    microBatch.prompt_embeds_mask,
    microBatch.negative_prompt_embeds,
    microBatch.negative_prompt_embeds_mask,
    microBatch,
    step,
  );
  const [logProbs, prevSampleMean, stdDevT, sqrtDt] = forwardAndSamplePreviousStep(
    transformer,
    scheduler,
    modelConfig,
    inputs,
    negativeInputs,
    microBatch,
    step,
  );
  return {
    log_probs: logProbs,
    prev_sample_mean: prevSampleMean,
    std_dev_t: stdDevT,
    sqrt_dt: sqrtDt,
    noise_pred: velocity
      ? velocityAdapter(modelConfig).predictVelocity(
          transformer,
          modelConfig,
          inputs,
          negativeInputs,
        )
      : null,
  };
}

function velocityAdapter(modelConfig: DiffusionModelConfig): VelocityAdapter {
  const adapter = DiffusionModelBase.getClass(modelConfig);
  if (!('predictVelocity' in adapter)) {
    throw new Error(
      `Cannot compare velocities as ${adapter.name} must implement the static method predictVelocity`,
    );
  }
  return adapter as unknown as VelocityAdapter;
}
