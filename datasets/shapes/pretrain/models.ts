import type { PretrainedModel } from './pretrained-model';
import { qwenImage } from './qwen-image';
import { stableDiffusion3 } from './stable-diffusion-3';

export type ModelName = 'qwen-image' | 'sd3';

export const MODELS: Readonly<Record<ModelName, PretrainedModel>> = {
  'qwen-image': qwenImage,
  sd3: stableDiffusion3,
};

/** The same in seconds, to see that all of it runs; nothing is learned. */
export function shortened(model: PretrainedModel): PretrainedModel {
  const few = { steps: 4, everySteps: 2, warmupSteps: 1 };
  const { autoencoder, transformer } = model;
  return {
    ...model,
    autoencoder: {
      ...autoencoder,
      pictures: 24,
      judged: 12,
      options: { ...autoencoder.options, ...few },
    },
    transformer: {
      ...transformer,
      pictures: 24,
      judgedOfAKind: 1,
      batchSize: 8,
      options: { ...transformer.options, ...few },
    },
  };
}
