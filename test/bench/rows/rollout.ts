import { keyGenerator, replayGenerator, tf, type Generator } from '@flowbook/sdk';
import { denoise } from '../../../sdk/src/pipelines/denoise';
import type { Inputs, Job, Row } from './row';
import { schedulerAt } from './schedule';
import { SIZES, forwardFlops } from './sizes';
import { Bench, modelInputs } from './transformer';

const { steps } = SIZES;

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

/** The pipelines' denoising loop. The first run takes the recorded noise, for the check; the others draw theirs. */
function rollout(folder: string, inputs: Inputs, guided: boolean): Job {
  const bench = new Bench(folder, inputs, false);
  const { scheduler } = schedulerAt(0);
  let generator: Generator = replayGenerator(tf.unstack(inputs.noise));
  return {
    run: async () => {
      const { latents, ...trajectory } = await denoise(inputs.latents as tf.Tensor3D, {
        scheduler,
        velocity: (x, t) => {
          const time = tf.div(t, 1000);
          return guided ? bench.guided(x, time) : bench.predict(x, time);
        },
        timesteps: scheduler.timestepValues,
        noiseLevel: 0.7,
        window: [0, steps - 1],
        sdeType: 'sde',
        generator,
        logprobs: true,
        signal: null,
      });
      generator = keyGenerator(10);
      tf.dispose(Object.values(trajectory).filter((tensor) => tensor !== null));
      return { output: latents };
    },
    dispose: () => bench.dispose(),
  };
}

function rolloutRow(name: string, guided: boolean): Row {
  return {
    name,
    isModelRow: true,
    inputs: rolloutInputs,
    prepare: (folder, inputs) => rollout(folder, inputs, guided),
    flops: steps * (guided ? 2 : 1) * forwardFlops(),
    tolerance: 1e-2,
  };
}

export const rolloutRows: Row[] = [rolloutRow('rollout', false), rolloutRow('rollout-cfg', true)];
