import type { DiffusionModelConfigLike } from '../../config';
import type { QwenImageTransformerInputs } from '../../models/qwen-image/transformer-inputs';
import type { tf } from '../../tensorflow';
import { DiffusionModelBase } from '../diffusion-model-base';
import { checkPromptMask } from '../diffusion-dpo/check-prompt-mask';
import type { MicroBatch, ModelMixin } from '../model-mixin';
import { QwenImageDiffusionNFT } from '../qwen-image-diffusion-nft/training-adapter';

/**
 * Training adapter of Qwen-Image for Diffusion-DPO (https://arxiv.org/abs/2311.12908), online and offline: builds what the
 * transformer takes from noised latents, and predicts. Noise and times are drawn by `noisePairs`, the objective is the
 * loss `dpo`.
 *
 * Registered under (`QwenImagePipeline`, `dpo`).
 *
 * @example
 * const modelConfig = { path: 'datasets/tiny-qwen-image', algorithm: 'dpo' };
 * DiffusionModelBase.getClass(modelConfig) === QwenImageDPO; // true
 */
export class QwenImageDPO extends QwenImageDiffusionNFT {
  /**
   * As `QwenImageDiffusionNFT.prepareModelInputs`.
   *
   * @param promptEmbedsMask (B, L). Must be there.
   * @throws Without a mask, too.
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
  ): [QwenImageTransformerInputs, QwenImageTransformerInputs | null] {
    checkPromptMask(promptEmbedsMask);
    return super.prepareModelInputs(
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
}

DiffusionModelBase.register('QwenImagePipeline', { algorithm: 'dpo' })(QwenImageDPO);
