import { DiffusionModelConfig, type DiffusionModelConfigLike } from '../../config';
import type { FlowMatchSDEDiscreteScheduler } from '../../schedulers';
import { tf } from '../../tensorflow';
import { checkDevice } from '../../tensorflow/device';

import { FlowGRPOModel } from '../flow-grpo-model';
import type { MicroBatch, ModelInputs, ModelMixin } from '../model-mixin';
import { registerReverseProcessAdapter } from '../register-algorithms';
import { trajectoryStep } from '../trajectory-step';
import { predictVelocity } from '../true-cfg';
import { VAE_SCALE_FACTOR, linearSigmas, shiftFor, tokenGrid } from './schedule';

function numberOf(microBatch: MicroBatch, key: string, fallback: number): number {
  const value = microBatch[key] ?? fallback;
  if (typeof value !== 'number') {
    throw new Error(
      `Cannot prepare model inputs as ${key} of the batch must be a number: current value is ${JSON.stringify(value)}`,
    );
  }
  return value;
}

/**
 * Training adapter of Qwen-Image for FlowGRPO: builds the scheduler, builds what the transformer
 * takes, and replays the steps of a rollout for their log-probabilities.
 *
 * Registered under `QwenImagePipeline` for `flow_grpo`, `grpo_guard`, `flow_dppo` and `dance_grpo`.
 */
export class QwenImage extends FlowGRPOModel {
  /** Sets N noise levels from 1 to 1/N, shifted by the number of latent tokens. */
  static override setTimesteps(
    scheduler: FlowMatchSDEDiscreteScheduler,
    modelConfig: DiffusionModelConfigLike,
    device: string,
  ): void {
    checkDevice(device);
    const { height, width, num_inference_steps } = DiffusionModelConfig.from(modelConfig).pipeline;
    const [rows, columns] = tokenGrid(height, width);
    scheduler.setTimesteps(num_inference_steps, {
      sigmas: linearSigmas(num_inference_steps),
      mu: shiftFor(rows * columns, scheduler.config),
      device,
    });
  }

  /**
   * Builds the transformer's inputs for one step of a trajectory. The negative inputs are always made;
   * their embeddings are null without a negative prompt.
   *
   * @param latents (B, T, S, C)
   * @param timesteps (B, T), from 0 to 1000.
   * @param microBatch May hold height, width (pixels) and vae_scale_factor.
   * @throws When the model embeds guidance and the configuration has no guidance_scale.
   */
  static override prepareModelInputs(
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
  ): [ModelInputs, ModelInputs] {
    const { pipeline } = DiffusionModelConfig.from(modelConfig);
    const [rows, columns] = tokenGrid(
      numberOf(microBatch, 'height', pipeline.height),
      numberOf(microBatch, 'width', pipeline.width),
      numberOf(microBatch, 'vae_scale_factor', VAE_SCALE_FACTOR),
    );
    const B = latents.shape[0];
    const shared = {
      hidden_states: trajectoryStep(latents, step),
      timestep: tf.tidy(() => tf.div(trajectoryStep(timesteps, step), 1000)),
      guidance: guidanceOf(module, pipeline.guidance_scale),
      img_shapes: Array.from({ length: B }, () => [[1, rows, columns]]),
      return_dict: false,
    };
    return [
      {
        ...shared,
        encoder_hidden_states: promptEmbeds,
        encoder_hidden_states_mask: promptEmbedsMask,
      },
      {
        ...shared,
        encoder_hidden_states: negativePromptEmbeds,
        encoder_hidden_states_mask: negativePromptEmbedsMask,
      },
    ];
  }

  /** The transformer's prediction, with true classifier-free guidance when `true_cfg_scale` is above 1. */
  static override predictVelocity(
    module: ModelMixin,
    config: DiffusionModelConfig,
    modelInputs: ModelInputs,
    negativeModelInputs: ModelInputs | null,
  ): tf.Tensor {
    return predictVelocity(module, modelInputs, negativeModelInputs, config.true_cfg_scale);
  }
}

/** The guidance that a guidance-distilled model embeds, (1); null for all others. */
export function guidanceOf(module: ModelMixin, scale: number | null): tf.Tensor | null {
  const { guidance_embeds: embeds } = module.config as { guidance_embeds?: boolean };
  if (embeds !== true) return null;
  if (scale === null) {
    throw new Error(
      'Cannot prepare model inputs as a model with guidance_embeds needs guidance_scale: current value is null',
    );
  }
  return tf.fill([1], scale);
}

registerReverseProcessAdapter('QwenImagePipeline', QwenImage);
