import { DiffusionModelConfig, type DiffusionModelConfigLike } from '../../config';
import type { QwenImageTransformerInputs } from '../../models/qwen-image/transformer-inputs';
import { tf } from '../../tensorflow';
import type { MicroBatch, ModelMixin } from '../model-mixin';
import { VAE_SCALE_FACTOR, tokenGrid } from '../token-grid';

/** Inputs for the negative prompt: without one their embeddings are null, and the transformer does not take them. */
export type QwenImageNegativeInputs =
  | QwenImageTransformerInputs
  | (Omit<QwenImageTransformerInputs, 'encoder_hidden_states'> & { encoder_hidden_states: null });

/** One sample a row and its words, as Qwen-Image's transformer is to see them. */
export interface QwenImageSample {
  /** (B, S, C) */
  latents: tf.Tensor;
  /** (B) from 0 to 1000. */
  timesteps: tf.Tensor;
  /** (B, L, D) */
  promptEmbeds: tf.Tensor;
  /** (B, L) */
  promptEmbedsMask: tf.Tensor | null;
  negativePromptEmbeds: tf.Tensor | null;
  negativePromptEmbedsMask: tf.Tensor | null;
}

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
 * Builds what Qwen-Image's transformer takes, for the prompt and for the negative prompt, whose embeddings may be null.
 *
 * @param microBatch May hold height, width (pixels) and vae_scale_factor.
 * @throws When the model embeds guidance, which none that is loaded does, and the configuration has no guidance_scale.
 */
export function qwenImageInputs(
  module: ModelMixin,
  modelConfig: DiffusionModelConfigLike,
  sample: QwenImageSample,
  microBatch: MicroBatch,
): [QwenImageTransformerInputs, QwenImageNegativeInputs] {
  const { pipeline } = DiffusionModelConfig.from(modelConfig);
  const [rows, columns] = tokenGrid(
    numberOf(microBatch, 'height', pipeline.height),
    numberOf(microBatch, 'width', pipeline.width),
    numberOf(microBatch, 'vae_scale_factor', VAE_SCALE_FACTOR),
  );
  const { latents } = sample;
  const shared = {
    hidden_states: latents as tf.Tensor3D,
    timestep: tf.div<tf.Tensor1D>(sample.timesteps, 1000),
    guidance: guidanceOf(module, pipeline.guidance_scale),
    img_shapes: Array.from({ length: latents.shape[0] }, () => [[1, rows, columns]]),
    return_dict: false,
  };
  return [
    {
      ...shared,
      encoder_hidden_states: sample.promptEmbeds as tf.Tensor3D,
      encoder_hidden_states_mask: sample.promptEmbedsMask as tf.Tensor2D | null,
    },
    {
      ...shared,
      encoder_hidden_states: sample.negativePromptEmbeds as tf.Tensor3D | null,
      encoder_hidden_states_mask: sample.negativePromptEmbedsMask as tf.Tensor2D | null,
    },
  ];
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
