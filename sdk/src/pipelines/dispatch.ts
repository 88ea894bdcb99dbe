import type { DiffusionModelConfigLike } from '../config';
import type { FlowMatchSDEDiscreteScheduler } from '../schedulers';
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

/**
 * Builds the scheduler of a model's diffusion process by the adapter that is registered for the model: `timesteps` and `sigmas`
 * are set already. Those of FlowGRPO and its relatives are a run's (N times from 1000 falling, N + 1 noise levels from 1 to 0);
 * those of objectives that learn from noised data are the whole training schedule, of a scheduler that takes no reverse steps:
 * name its type (`buildScheduler<FlowMatchEulerDiscreteScheduler>(...)`).
 *
 * @param modelConfig Names the model's directory; `num_inference_steps` is N, `height` and `width` (pixels) place a shift.
 * @returns The caller owns its tensors.
 * @throws When no adapter is registered for the configuration's (architecture, algorithm), or it names no model directory.
 *
 * @example
 * const scheduler = buildScheduler({ path: 'datasets/tiny-qwen-image', height: 64, width: 64, num_inference_steps: 4 });
 * scheduler.sigmaValues.length; // 5
 * scheduler.dispose();
 */
export function buildScheduler<Scheduler extends SchedulerMixin = FlowMatchSDEDiscreteScheduler>(
  modelConfig: DiffusionModelConfigLike,
): Scheduler {
  return DiffusionModelBase.getClass(modelConfig).buildScheduler(modelConfig) as Scheduler;
}

/**
 * Gives a scheduler the times and noise levels of a configuration, by the adapter that is registered for the model. They lie
 * where this process computes. Objectives that learn from noised data leave the scheduler on its training schedule.
 *
 * @param scheduler Is changed.
 * @param modelConfig Says how many steps there are (`num_inference_steps`) and how large pictures are, in pixels.
 * @throws When no adapter is registered for the configuration's (architecture, algorithm).
 *
 * @example
 * const modelConfig = { path: 'datasets/tiny-qwen-image', height: 64, width: 64, num_inference_steps: 4 };
 * const scheduler = buildScheduler(modelConfig);
 * setTimesteps(scheduler, { ...modelConfig, num_inference_steps: 8 });
 * scheduler.timesteps.shape; // [8]
 */
export function setTimesteps(
  scheduler: SchedulerMixin,
  modelConfig: DiffusionModelConfigLike,
): void {
  const device = backendInfo().device.toLowerCase();
  DiffusionModelBase.getClass(modelConfig).setTimesteps(scheduler, modelConfig, device);
}

/**
 * Puts what a rollout or a set of noised data holds into the form that the model's forward pass takes, by the adapter that is
 * registered for the model.
 *
 * @param module The denoising transformer.
 * @param modelConfig How the model is used: its guidance, and the picture's size where `microBatch` does not hold it.
 * @param latents A trajectory (B, T, ...), of which the one at `step` is taken; for an objective that learns from noised data
 *   (B, ...), noised already.
 * @param timesteps (B, T), or (B) beside noised data; from 0 to 1000.
 * @param promptEmbeds (B, L, D)
 * @param promptEmbedsMask (B, L), 1 at text and 0 at padding, or null where the model takes none.
 * @param negativePromptEmbeds (B, L', D), or null without guidance.
 * @param negativePromptEmbedsMask (B, L'), or null.
 * @param microBatch The batch that the tensors are of, for what one architecture alone needs: `height` and `width` (pixels) and
 *   `vae_scale_factor` of Qwen-Image, `pooled_prompt_embeds` (B, P) of Stable Diffusion 3.
 * @param step Which place of the trajectory, from 0; counts for a trajectory alone.
 * @returns Inputs by the model's names, for the prompt and for the negative prompt; the second may be null.
 * @throws When no adapter is registered for the configuration's (architecture, algorithm), the trajectory has no such step, or
 *   a tensor that the architecture needs is missing.
 *
 * @example
 * const { customOutput: batch } = await pipeline.forward(
 *   { prompts: ['a red circle'] },
 *   { numInferenceSteps: 4, sdeWindowSize: 2 },
 * );
 * const { all_latents, all_timesteps, prompt_embeds, prompt_embeds_mask } = batch;
 * const { transformer, modelConfig } = pipeline;
 * const [inputs] = prepareModelInputs(
 *   transformer, modelConfig, all_latents, all_timesteps, prompt_embeds, prompt_embeds_mask, null, null, batch, 0,
 * );
 * inputs.img_shapes; // [[[1, 4, 4]]] // 4 rows of 4 tokens
 */
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

/**
 * Replays one step of a rollout by the adapter that is registered for the model: predicts the velocity, guided as the
 * configuration says, and gives the log-probability of going from the latents of `step` to those after it. Ratios of policy
 * gradients (FlowGRPO, DanceGRPO) are made of it; gradients reach the model's weights.
 *
 * @param module The denoising transformer.
 * @param scheduler With the times of the rollout; see `buildScheduler`.
 * @param modelConfig Its `algo` says how the rollout put noise in: `noise_level` and `sde_type`.
 * @param modelInputs What `prepareModelInputs` gave for the prompt at this step.
 * @param negativeModelInputs What it gave for the negative prompt, or null without guidance.
 * @param schedulerInputs The rollout: `all_latents` (B, T, ...) and `all_timesteps` (B, T - 1), from 0 to 1000.
 * @param step Which step of the trajectory, from 0 to T - 2.
 * @returns `[logProb (B), prevSampleMean (B, ...), stdDevT (B, 1, ...), sqrtDt (B)]`: the step's log-probability as a mean over
 *   a sample's elements, the mean that it is drawn around, its width as `sde_type` defines it, and the root of its length in
 *   sigma. The caller owns the tensors.
 * @throws When no adapter is registered for the configuration's (architecture, algorithm), when it learns from noised data and
 *   takes no steps, or when the rollout's tensors are missing.
 *
 * @example
 * const modelConfig = pipeline.modelConfig.with({ pipeline: { num_inference_steps: 4 } });
 * const { customOutput: batch } = await pipeline.forward(
 *   { prompts: ['a red circle'] },
 *   { numInferenceSteps: 4, sdeWindowSize: 2, noiseLevel: modelConfig.algo.noise_level },
 * );
 * const { all_latents, all_timesteps, prompt_embeds, prompt_embeds_mask } = batch;
 * const { transformer } = pipeline;
 * const inputs = prepareModelInputs(
 *   transformer, modelConfig, all_latents, all_timesteps, prompt_embeds, prompt_embeds_mask, null, null, batch, 1,
 * );
 * const [logProb] = forwardAndSamplePreviousStep(
 *   transformer, buildScheduler(modelConfig), modelConfig, ...inputs, batch, 1,
 * );
 * tf.sub(logProb, tf.gather(batch.all_log_probs!, 1, 1)); // [0] // what the rollout recorded
 */
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
