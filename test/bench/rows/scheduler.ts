import { keyGenerator, tf } from '@flowbook/sdk';
import type { Inputs, Job, Row } from './row';
import { schedulerAt } from './schedule';

const SHAPE = [4, 1024, 64] as const;
const PLACE = 3;

function stepInputs(): Inputs {
  const generator = keyGenerator(11);
  const { sigma, sigmaNext, sigmaSecond } = schedulerAt(PLACE);
  const latents = generator.randn([...SHAPE]);
  return {
    latents,
    velocity: generator.randn([...SHAPE]),
    next_latents: tf.add(latents, tf.mul(generator.randn([...SHAPE]), 0.1)),
    sigmas: tf.tensor1d([sigma, sigmaNext, sigmaSecond]),
  };
}

function stepJob(inputs: Inputs, sdeType: string): Job {
  const { scheduler, timestep } = schedulerAt(PLACE);
  return {
    run: () => {
      const output = scheduler.samplePreviousStep(inputs.latents, inputs.velocity, {
        timestep,
        prevSample: inputs.next_latents,
        sdeType,
      });
      const logProb = output[1].clone();
      tf.dispose(output);
      return { output: logProb };
    },
    dispose: () => {
      scheduler.dispose();
      tf.dispose(Object.values(inputs));
    },
  };
}

function noiseJob(inputs: Inputs): Job {
  const { scheduler, timestep } = schedulerAt(PLACE);
  const generator = keyGenerator(12);
  return {
    run: () => {
      const output = scheduler.samplePreviousStep(inputs.latents, inputs.velocity, {
        timestep,
        generator,
      });
      const [next, log_prob, ...rest] = output;
      tf.dispose([next, ...rest]);
      return { log_prob: log_prob as tf.Tensor };
    },
    dispose: () => {
      scheduler.dispose();
      tf.dispose(Object.values(inputs));
    },
  };
}

const stepRow = (name: string, sdeType: string): Row => ({
  name,
  isModelRow: false,
  inputs: stepInputs,
  prepare: (_folder, inputs) => stepJob(inputs, sdeType),
  tolerance: 1e-4,
});

export const schedulerRows: Row[] = [
  stepRow('scheduler-sde', 'sde'),
  stepRow('scheduler-cps', 'cps'),
  stepRow('scheduler-dance', 'dance_sde'),
  {
    name: 'scheduler-sde-noise',
    isModelRow: false,
    inputs: stepInputs,
    prepare: (_folder, inputs) => noiseJob(inputs),
    // Draws differ: the mean of 65,536 squares is nearly the same.
    tolerance: 2e-2,
  },
];
