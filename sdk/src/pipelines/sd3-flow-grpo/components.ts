import { openModelDirectory } from '../../io/model-directory';
import { AutoencoderKL, SD3Transformer2DModel } from '../../models';
import { FlowMatchSDEDiscreteScheduler } from '../../schedulers';
import { loadParts } from '../load-components';
import { SD3PromptEncoder } from '../stable-diffusion-3/prompt-encoder';

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
 * @throws When one is missing or broken; those that were loaded before it are freed.
 */
export function loadComponents(path: string): StableDiffusion3Components {
  const directory = openModelDirectory(path);
  return loadParts((keep) => ({
    scheduler: keep(FlowMatchSDEDiscreteScheduler.fromConfig(directory.config('scheduler'))),
    vae: keep(AutoencoderKL.fromPretrained(path)),
    promptEncoder: keep(SD3PromptEncoder.fromPretrained(path)),
    transformer: keep(SD3Transformer2DModel.fromPretrained(path)),
  }));
}
