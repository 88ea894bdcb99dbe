import { DiffusionModelConfig, type DiffusionModelConfigLike } from '../../config';
import type { QwenImageTransformerInputs } from '../../models/qwen-image/transformer-inputs';
import type { tf } from '../../tensorflow';
import { DiffusionModelBase } from '../diffusion-model-base';
import { ForwardProcessModel, checkNoised } from '../forward-process-model';
import type { MicroBatch, ModelInputs, ModelMixin } from '../model-mixin';
import { qwenImageInputs } from '../qwen-image-flow-grpo/model-inputs';
import { predictVelocity } from '../true-cfg';

/**
 * Training adapter of Qwen-Image for DiffusionNFT (https://arxiv.org/abs/2509.16117): builds what the transformer takes
 * from noised latents, and predicts. The objective is the loss `diffusion_nft`; its times come from the rollout.
 *
 * Registered under (`QwenImagePipeline`, `diffusion_nft`).
 *
 * @example
 * const modelConfig = { path: 'datasets/tiny-qwen-image', algorithm: 'diffusion_nft' };
 * DiffusionModelBase.getClass(modelConfig) === QwenImageDiffusionNFT; // true
 */
export class QwenImageDiffusionNFT extends ForwardProcessModel {
  /**
   * Builds the transformer's inputs; the negative ones are null without embeddings of a negative prompt.
   *
   * @param latents (B, S, C), already noised and packed.
   * @param timesteps (B), from 0 to 1000.
   * @param microBatch May hold height, width (pixels) and vae_scale_factor.
   * @param step Has no meaning here: latents and times are already selected.
   * @throws When latents are not (B, S, C) or times not (B), or a model that embeds guidance has no guidance_scale.
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
    _step: number,
  ): [QwenImageTransformerInputs, QwenImageTransformerInputs | null] {
    checkNoised(latents, timesteps, 'B, S, C');
    const sample = {
      latents,
      timesteps,
      promptEmbeds,
      promptEmbedsMask,
      negativePromptEmbeds,
      negativePromptEmbedsMask,
    };
    const [inputs, negativeInputs] = qwenImageInputs(module, modelConfig, sample, microBatch);
    return [inputs, negativeInputs.encoder_hidden_states === null ? null : negativeInputs];
  }

  /**
   * Predicts the velocity (noise - data), with true classifier-free guidance when `true_cfg_scale` is above 1.
   *
   * @param modelInputs What `prepareModelInputs` made for the prompt.
   * @param negativeModelInputs What it made for the negative prompt, or null without guidance.
   * @returns (B, S, C), differentiable.
   * @throws When guidance is asked for and there are no negative inputs.
   */
  static override forward(
    module: ModelMixin,
    modelConfig: DiffusionModelConfigLike,
    modelInputs: ModelInputs,
    negativeModelInputs: ModelInputs | null,
  ): tf.Tensor {
    const { true_cfg_scale } = DiffusionModelConfig.from(modelConfig);
    return predictVelocity(module, modelInputs, negativeModelInputs, true_cfg_scale);
  }
}

DiffusionModelBase.register('QwenImagePipeline', { algorithm: 'diffusion_nft' })(
  QwenImageDiffusionNFT,
);
