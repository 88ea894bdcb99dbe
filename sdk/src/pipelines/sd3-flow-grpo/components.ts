import { openModelDirectory } from '../../io/model-directory';
import { AutoencoderKL, SD3Transformer2DModel } from '../../models';
import { FlowMatchSDEDiscreteScheduler } from '../../schedulers';
import { loadParts } from '../load-components';
import type { LoadOptions } from '../rollout-options';
import { SD3PromptEncoder } from '../stable-diffusion-3/prompt-encoder';
import { variantOf } from '../variant-of';

/** The parts of a Stable Diffusion 3 pipeline. */
export interface StableDiffusion3Components {
  transformer: SD3Transformer2DModel;
  vae: AutoencoderKL;
  promptEncoder: SD3PromptEncoder;
  scheduler: FlowMatchSDEDiscreteScheduler;
}

/**
 * Loads all parts of a model directory.
 *
 * @param options.variant Weights of this variant where a part has them, as diffusers chooses.
 * @param options.dtype Of transformer and text encoders. The autoencoder stays float32.
 * @throws When one is missing or broken; those that were loaded before it are freed.
 */
export function loadComponents(
  path: string,
  { variant, dtype }: Pick<LoadOptions, 'variant' | 'dtype'> = {},
): StableDiffusion3Components {
  const directory = openModelDirectory(path);
  const files = variantOf(directory, variant);
  return loadParts((keep) => ({
    scheduler: keep(FlowMatchSDEDiscreteScheduler.fromConfig(directory.config('scheduler'))),
    vae: keep(AutoencoderKL.fromPretrained(path, files('vae'))),
    promptEncoder: keep(SD3PromptEncoder.fromPretrained(path, { variant, dtype })),
    transformer: keep(
      SD3Transformer2DModel.fromPretrained(path, { ...files('transformer'), dtype }),
    ),
  }));
}
