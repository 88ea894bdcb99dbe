import { DiffusionModelConfig, type DiffusionModelConfigLike } from '../../config';
import type { SD3TransformerInputs } from '../../models/stable-diffusion-3/transformer-inputs';
import type { tf } from '../../tensorflow';
import { DiffusionModelBase } from '../diffusion-model-base';
import { checkPromptMask } from '../diffusion-dpo/check-prompt-mask';
import { ForwardProcessModel, checkNoised } from '../forward-process-model';
import type { MicroBatch, ModelInputs, ModelMixin } from '../model-mixin';
import { findTensor, requireTensor } from '../stable-diffusion-3/batch-tensor';
import { predictGuided } from '../stable-diffusion-3/guidance';

function guidanceOf(modelConfig: DiffusionModelConfigLike): number {
  return DiffusionModelConfig.from(modelConfig).pipeline.guidance_scale ?? 1;
}

/**
 * Training adapter of Stable Diffusion 3 and 3.5 for Diffusion-DPO: builds what the transformer takes
 * from already noised latents, and predicts. Noise and times are drawn by `noisePairs`, the objective
 * is the loss `dpo`.
 *
 * Registered under (`StableDiffusion3Pipeline`, `dpo`).
 *
 * @example
 * const modelConfig = { path: 'test/golden/models/tiny-sd3', algorithm: 'dpo' };
 * const transformer = SD3Transformer2DModel.fromPretrained(modelConfig.path);
 * const [inputs, negativeInputs] = StableDiffusion3DPO.prepareModelInputs(
 *   transformer, modelConfig, tf.zeros([2, 4, 8, 8]), tf.tensor1d([500, 500]), tf.zeros([2, 6, 48]), tf.ones([2, 6]),
 *   null, null, { pooled_prompt_embeds: tf.zeros([2, 40]) }, 0,
 * );
 * StableDiffusion3DPO.forward(transformer, modelConfig, inputs, negativeInputs).shape; // [2, 4, 8, 8]
 */
export class StableDiffusion3DPO extends ForwardProcessModel {
  /**
   * Builds the transformer's inputs. The negative ones are made when `guidance_scale` is above 1 and the
   * batch holds all that they need.
   *
   * @param latents (B, C, H, W), already noised.
   * @param timesteps (B), from 0 to 1000.
   * @param promptEmbeds (B, L, D)
   * @param promptEmbedsMask (B, L). Must be there; diffusers' transformer does not look at it.
   * @param microBatch Holds pooled_prompt_embeds (B, P) and, for guidance, negative_pooled_prompt_embeds.
   * @param step Has no meaning here: latents and times are already selected.
   * @throws Without a mask or pooled embeddings, or when latents are not (B, C, H, W) or times not (B).
   */
  static override prepareModelInputs(
    _module: ModelMixin,
    modelConfig: DiffusionModelConfigLike,
    latents: tf.Tensor,
    timesteps: tf.Tensor,
    promptEmbeds: tf.Tensor,
    promptEmbedsMask: tf.Tensor | null,
    negativePromptEmbeds: tf.Tensor | null,
    negativePromptEmbedsMask: tf.Tensor | null,
    microBatch: MicroBatch,
    _step: number,
  ): [SD3TransformerInputs, SD3TransformerInputs | null] {
    checkPromptMask(promptEmbedsMask);
    checkNoised(latents, timesteps, 'B, C, H, W');
    const pooled = requireTensor(microBatch, 'pooled_prompt_embeds');
    const negativePooled = findTensor(microBatch, 'negative_pooled_prompt_embeds');
    const shared = {
      hidden_states: latents as tf.Tensor4D,
      timestep: timesteps as tf.Tensor1D,
      return_dict: false,
    };
    const inputs = {
      ...shared,
      encoder_hidden_states: promptEmbeds as tf.Tensor3D,
      pooled_projections: pooled as tf.Tensor2D,
      joint_attention_kwargs: { attention_mask: promptEmbedsMask },
    };
    const guided =
      guidanceOf(modelConfig) > 1 && negativePromptEmbeds !== null && negativePooled !== null;
    if (!guided) return [inputs, null];
    const negativeInputs = {
      ...shared,
      encoder_hidden_states: negativePromptEmbeds as tf.Tensor3D,
      pooled_projections: negativePooled as tf.Tensor2D,
      joint_attention_kwargs: { attention_mask: negativePromptEmbedsMask },
    };
    return [inputs, negativeInputs];
  }

  /**
   * Predicts the velocity (noise - data), guided when `guidance_scale` g is above 1: v- + g (v+ - v-),
   * without the rescaling of Qwen-Image.
   *
   * @param modelInputs What `prepareModelInputs` made for the prompt.
   * @param negativeModelInputs What it made for the negative prompt, or null without guidance.
   * @returns (B, C, H, W), differentiable.
   * @throws When guidance is asked for and there are no negative inputs.
   */
  static override forward(
    module: ModelMixin,
    modelConfig: DiffusionModelConfigLike,
    modelInputs: ModelInputs,
    negativeModelInputs: ModelInputs | null,
  ): tf.Tensor {
    return predictGuided(module, modelInputs, negativeModelInputs, guidanceOf(modelConfig));
  }
}

DiffusionModelBase.register('StableDiffusion3Pipeline', { algorithm: 'dpo' })(StableDiffusion3DPO);
