import { openModelDirectory } from '../../io/model-directory';
import { AutoencoderKLQwenImage } from '../../models/qwen-image/autoencoder';
import { Qwen2_5_VLTextEncoder } from '../../models/qwen-image/text-encoder';
import { QwenImageTransformer2DModel } from '../../models/qwen-image/transformer';
import { FlowMatchSDEDiscreteScheduler } from '../../schedulers';
import { Qwen2Tokenizer } from '../../tokenizers';
import { loadParts } from '../load-components';
import type { LoadOptions } from '../rollout-options';
import { variantOf } from '../variant-of';

/** The parts of a Qwen-Image pipeline. */
export interface QwenImageComponents {
  transformer: QwenImageTransformer2DModel;
  vae: AutoencoderKLQwenImage;
  textEncoder: Qwen2_5_VLTextEncoder;
  tokenizer: Qwen2Tokenizer;
  scheduler: FlowMatchSDEDiscreteScheduler;
}

/**
 * Loads all parts of a model directory.
 *
 * @param options.variant Weights of this variant where a part has them, as diffusers chooses.
 * @param options.dtype Of transformer and text encoders. The autoencoder stays float32.
 * @throws When one is missing or broken; those that were loaded before it are freed. When the transformer says that it
 *   embeds guidance: diffusers' pipeline fails at its first step then.
 */
export function loadComponents(
  path: string,
  { variant, dtype }: Pick<LoadOptions, 'variant' | 'dtype'> = {},
): QwenImageComponents {
  const directory = openModelDirectory(path);
  const { guidance_embeds: guidanceEmbeds } = directory.config('transformer');
  if (guidanceEmbeds === true) {
    throw new Error(
      `Cannot load "${path}" as guidance_embeds of its transformer must be false, for it has no weights: current value is true`,
    );
  }
  const files = variantOf(directory, variant);
  return loadParts((keep) => ({
    tokenizer: Qwen2Tokenizer.fromPretrained(path),
    scheduler: keep(FlowMatchSDEDiscreteScheduler.fromConfig(directory.config('scheduler'))),
    vae: keep(AutoencoderKLQwenImage.fromPretrained(path, files('vae'))),
    textEncoder: keep(
      Qwen2_5_VLTextEncoder.fromPretrained(path, { ...files('text_encoder'), dtype }),
    ),
    transformer: keep(
      QwenImageTransformer2DModel.fromPretrained(path, { ...files('transformer'), dtype }),
    ),
  }));
}
