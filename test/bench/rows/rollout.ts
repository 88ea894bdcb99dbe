import {
  QwenImagePipelineWithLogProb,
  QwenImageTransformer2DModel,
  multipliesBfloat16,
  keyGenerator,
  replayGenerator,
  tf,
  type Generator,
  type ModelDtype,
  type QwenImageComponents,
} from '@flowbook/sdk';
import { join } from 'node:path';
import type { Inputs, Job, Row } from './row';
import { schedulerAt } from './schedule';
import { SIZES, forwardFlops } from './sizes';
import { modelInputs } from './transformer';

const { steps, pictureSide } = SIZES;

function rolloutInputs(): Inputs {
  const inputs = modelInputs();
  const { scheduler } = schedulerAt(0);
  const generator = keyGenerator(9);
  return {
    ...inputs,
    schedule: tf.tensor1d(scheduler.sigmaValues),
    noise: tf.stack(Array.from({ length: steps }, () => generator.randn(inputs.latents.shape))),
  };
}

/** The pipeline's denoising loop. The first run takes the recorded noise, for the check; the others draw theirs. */
function rollout(folder: string, inputs: Inputs, guided: boolean, dtype?: ModelDtype): Job {
  const path = join(folder, 'transformer');
  const transformer = QwenImageTransformer2DModel.fromPretrained(path, { dtype });
  // The loop needs no other parts, and PyTorch's side loads none.
  const parts = { transformer, scheduler: schedulerAt(0).scheduler } as QwenImageComponents;
  const pipeline = new QwenImagePipelineWithLogProb(parts, {
    path: folder,
    height: pictureSide,
    width: pictureSide,
  });
  let generator: Generator = replayGenerator(tf.unstack(inputs.noise));
  return {
    run: async () => {
      const { output, customOutput } = await pipeline.forward(
        {},
        {
          latents: inputs.latents,
          promptEmbeds: inputs.embeds,
          negativePromptEmbeds: guided ? inputs.negative_embeds : null,
          trueCfgScale: guided ? 4 : 1,
          numInferenceSteps: steps,
          noiseLevel: 0.7,
          outputType: 'latent',
          generator,
          compile: true,
        },
      );
      generator = keyGenerator(10);
      tf.dispose(Object.values(customOutput).filter((tensor) => tensor !== null));
      return { output: output as tf.Tensor };
    },
    dispose: () => {
      pipeline.compiledTransformer.dispose();
      parts.scheduler.dispose();
      transformer.dispose();
      tf.dispose(Object.values(inputs));
    },
  };
}

function rolloutRow(name: string, guided: boolean, dtype?: ModelDtype): Row {
  return {
    name,
    isModelRow: true,
    inputs: rolloutInputs,
    prepare: (folder, inputs) => rollout(folder, inputs, guided, dtype),
    flops: () => steps * (guided ? 2 : 1) * forwardFlops(),
    tolerance: 1e-2,
  };
}

export const rolloutRows: Row[] = [
  rolloutRow('rollout', false),
  rolloutRow('rollout-cfg', true),
  {
    ...rolloutRow('rollout-bf16', false, 'bfloat16'),
    isModelRow: false,
    tolerance: 0.1,
    // Without them it is slower than float32 on either side.
    obstacle: () => (multipliesBfloat16() ? null : 'this processor has no bfloat16 products'),
  },
];
