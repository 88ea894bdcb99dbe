import { DiffusionModelConfig, type DiffusionModelConfigLike } from '../../config';
import type { SD3TransformerInputs } from '../../models/stable-diffusion-3/transformer-inputs';
import type { FlowMatchSDEDiscreteScheduler } from '../../schedulers';
import type { tf } from '../../tensorflow';
import { checkDevice } from '../../tensorflow/device';
import { FlowGRPOModel } from '../flow-grpo-model';
import type { MicroBatch, ModelInputs, ModelMixin } from '../model-mixin';
import { registerReverseProcessAdapter } from '../register-algorithms';
import { requireTensor } from '../stable-diffusion-3/batch-tensor';
import { predictGuided } from '../stable-diffusion-3/guidance';
import { trajectoryStep } from '../trajectory-step';
import { shiftForPicture } from './schedule';
import { transformerInputs } from './transformer-inputs';

/** The scale of classifier-free guidance; off at 1 and below, and without one. */
function guidanceOf({ pipeline }: DiffusionModelConfig): number {
  return pipeline.guidance_scale ?? 0;
}

/**
 * Training adapter of Stable Diffusion 3 and 3.5 for FlowGRPO: builds the scheduler, builds what the
 * transformer takes, and replays the steps of a rollout for their log-probabilities.
 *
 * Registered under `StableDiffusion3Pipeline` for `flow_grpo`, `grpo_guard`, `flow_dppo` and `dance_grpo`.
 *
 * @example
 * const modelConfig = { path: 'test/golden/models/tiny-sd3', height: 64, width: 64, num_inference_steps: 4 };
 * StableDiffusion3FlowGRPO.buildScheduler(modelConfig).sigmas.shape; // [5]
 */
export class StableDiffusion3FlowGRPO extends FlowGRPOModel {
  /** Sets the scheduler's own noise levels, with its static shift, or shifted by the size of the picture. */
  static override setTimesteps(
    scheduler: FlowMatchSDEDiscreteScheduler,
    modelConfig: DiffusionModelConfigLike,
    device: string,
  ): void {
    checkDevice(device);
    const { height, width, num_inference_steps } = DiffusionModelConfig.from(modelConfig).pipeline;
    const mu = shiftForPicture(height, width, scheduler.config);
    scheduler.setTimesteps(num_inference_steps, { mu, device });
  }

  /**
   * Builds the transformer's inputs for one step of a trajectory. There is no mask: the transformer
   * reads padding as well. Negative inputs are made when `guidance_scale` is above 1.
   *
   * @param latents (B, T, C, H, W)
   * @param timesteps (B, T), from 0 to 1000, which is what the transformer takes.
   * @param microBatch Holds pooled_prompt_embeds (B, P) and, for guidance, negative_pooled_prompt_embeds.
   * @throws Without pooled embeddings, or when guidance is asked for without a negative prompt's.
   */
  static override prepareModelInputs(
    _module: ModelMixin,
    modelConfig: DiffusionModelConfigLike,
    latents: tf.Tensor,
    timesteps: tf.Tensor,
    promptEmbeds: tf.Tensor,
    _promptEmbedsMask: tf.Tensor | null,
    negativePromptEmbeds: tf.Tensor | null,
    _negativePromptEmbedsMask: tf.Tensor | null,
    microBatch: MicroBatch,
    step: number,
  ): [SD3TransformerInputs, SD3TransformerInputs | null] {
    const pooled = requireTensor(microBatch, 'pooled_prompt_embeds');
    const scale = guidanceOf(DiffusionModelConfig.from(modelConfig));
    if (scale > 1 && negativePromptEmbeds === null) {
      throw new Error(
        `Cannot prepare model inputs as guidance needs embeddings of a negative prompt: current guidance_scale is ${scale}`,
      );
    }
    const negativePooled =
      scale > 1 ? requireTensor(microBatch, 'negative_pooled_prompt_embeds') : null;
    const x = trajectoryStep(latents, step);
    const timestep = trajectoryStep(timesteps, step);
    return [
      transformerInputs(x, timestep, promptEmbeds, pooled),
      negativePooled &&
        transformerInputs(x, timestep, negativePromptEmbeds as tf.Tensor, negativePooled),
    ];
  }

  /** The transformer's prediction, guided when `guidance_scale` is above 1. */
  static override predictVelocity(
    module: ModelMixin,
    config: DiffusionModelConfig,
    modelInputs: ModelInputs,
    negativeModelInputs: ModelInputs | null,
  ): tf.Tensor {
    return predictGuided(module, modelInputs, negativeModelInputs, guidanceOf(config));
  }
}

registerReverseProcessAdapter('StableDiffusion3Pipeline', StableDiffusion3FlowGRPO);
