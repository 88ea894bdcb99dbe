import { DiffusionModelConfig, type DiffusionModelConfigLike } from '../../config';
import type { QwenImageTransformerInputs } from '../../models/qwen-image/transformer-inputs';
import type { FlowMatchSDEDiscreteScheduler } from '../../schedulers';
import type { tf } from '../../tensorflow';
import { checkDevice } from '../../tensorflow/device';

import { FlowGRPOModel } from '../flow-grpo-model';
import type { MicroBatch, ModelInputs, ModelMixin } from '../model-mixin';
import { registerReverseProcessAdapter } from '../register-algorithms';
import { shiftFor } from '../shift-for';
import { tokenGrid } from '../token-grid';
import { trajectoryStep } from '../trajectory-step';
import { predictVelocity } from '../true-cfg';
import { qwenImageInputs, type QwenImageNegativeInputs } from './model-inputs';
import { linearSigmas } from './schedule';

/**
 * Training adapter of Qwen-Image for FlowGRPO: builds the scheduler, builds what the transformer
 * takes, and replays the steps of a rollout for their log-probabilities.
 *
 * Registered under `QwenImagePipeline` for `flow_grpo`, `grpo_guard`, `flow_dppo` and `dance_grpo`.
 *
 * @example
 * const modelConfig = { path: 'datasets/tiny-qwen-image', height: 64, width: 64, num_inference_steps: 2 };
 * QwenImage.buildScheduler(modelConfig).sigmaValues; // [1, 0.02, 0] // the model's shift_terminal is 0.02
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
   * @throws When the model embeds guidance, which none that is loaded does, and the configuration has no guidance_scale.
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
  ): [QwenImageTransformerInputs, QwenImageNegativeInputs] {
    return qwenImageInputs(
      module,
      modelConfig,
      {
        latents: trajectoryStep(latents, step),
        timesteps: trajectoryStep(timesteps, step),
        promptEmbeds,
        promptEmbedsMask,
        negativePromptEmbeds,
        negativePromptEmbedsMask,
      },
      microBatch,
    );
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

registerReverseProcessAdapter('QwenImagePipeline', QwenImage);
