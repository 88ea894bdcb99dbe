import {
  AdamW,
  CompiledModel,
  QwenImageTransformer2DModel,
  clipGradients,
  combineTrueCfg,
  computeLoss,
  globalNorm,
  keyGenerator,
  lossGradients,
  tf,
} from '@flowbook/sdk';
import { join } from 'node:path';
import type { Inputs, Job, Row } from './row';
import { schedulerAt } from './schedule';
import { SIZES, forwardFlops, type PassSizes } from './sizes';

const GUIDANCE = 4;
/** The step that the training rows replay. */
const PLACE = 3;

/** A transformer of the checkpoint as one graph, with adapters when they are trained. Pictures are squares. */
export class Bench {
  readonly model: QwenImageTransformer2DModel;
  readonly compiled: CompiledModel;

  constructor(
    folder: string,
    readonly inputs: Inputs,
    lora: boolean,
  ) {
    this.model = QwenImageTransformer2DModel.fromPretrained(join(folder, 'transformer'));
    if (lora) this.model.loadLora(join(folder, 'lora'));
    this.compiled = new CompiledModel(this.model);
  }

  predict(latents: tf.Tensor, timestep: tf.Tensor, sign = ''): tf.Tensor {
    const [batch, tokens] = latents.shape;
    const side = Math.sqrt(tokens as number);
    const [velocity] = this.compiled.forward({
      hidden_states: latents,
      timestep,
      encoder_hidden_states: this.inputs[`${sign}embeds`],
      encoder_hidden_states_mask: null,
      img_shapes: Array.from({ length: batch }, () => [[1, side, side]]),
      return_dict: false,
    });
    return velocity;
  }

  guided(latents: tf.Tensor, timestep: tf.Tensor): tf.Tensor {
    const positive = this.predict(latents, timestep);
    return combineTrueCfg(positive, this.predict(latents, timestep, 'negative_'), GUIDANCE);
  }

  dispose(): void {
    this.compiled.dispose();
    this.model.dispose();
    tf.dispose(Object.values(this.inputs));
  }
}

/** Latents, embeddings and a time, drawn from a key. */
export function modelInputs({
  batch,
  imageTokens,
}: Pick<PassSizes, 'batch' | 'imageTokens'> = SIZES): Inputs {
  const { textTokens, channels, textWidth } = SIZES;
  const generator = keyGenerator(7);
  return {
    latents: generator.randn([batch, imageTokens, channels]),
    embeds: generator.randn([batch, textTokens, textWidth]),
    negative_embeds: generator.randn([batch, textTokens, textWidth]),
    timestep: tf.fill([batch], schedulerAt(PLACE).sigma),
  };
}

function modelRow(
  name: string,
  passes: number,
  prepare: (folder: string, inputs: Inputs) => Job,
  inputs = modelInputs,
): Row {
  return {
    name,
    isModelRow: true,
    inputs,
    prepare,
    flops: () => passes * forwardFlops(),
    tolerance: 1e-3,
  };
}

function forward(folder: string, inputs: Inputs): Job {
  const bench = new Bench(folder, inputs, false);
  return {
    run: () => ({ output: bench.predict(inputs.latents, inputs.timestep) }),
    dispose: () => bench.dispose(),
  };
}

function forwardBackward(folder: string, inputs: Inputs, lora: boolean): Job {
  const bench = new Bench(folder, inputs, lora);
  const variables = bench.model.trainableVariables();
  return {
    run: () => {
      const { value, grads } = tf.variableGrads(
        () => tf.mean(tf.square(bench.predict(inputs.latents, inputs.timestep))) as tf.Scalar,
        [...variables.values()],
      );
      const gradients = Object.entries(grads).filter(([, gradient]) => gradient !== null);
      const norm = tf.scalar(globalNorm(new Map(gradients)));
      tf.dispose(grads);
      return { loss: value, norm };
    },
    dispose: () => bench.dispose(),
  };
}

/** Inputs of the replayed step: where it went, and how likely the rollout thought that was. */
function trainingInputs(): Inputs {
  const inputs = modelInputs();
  const generator = keyGenerator(8);
  const { sigma, sigmaNext, sigmaSecond } = schedulerAt(PLACE);
  return {
    ...inputs,
    next_latents: tf.add(inputs.latents, tf.mul(generator.randn(inputs.latents.shape), 0.1)),
    sigmas: tf.tensor1d([sigma, sigmaNext, sigmaSecond]),
    old_log_probs: tf.fill([SIZES.batch], -1),
    advantages: tf.tensor1d([1, -0.5]),
  };
}

function trainStep(folder: string, inputs: Inputs): Job {
  const bench = new Bench(folder, inputs, true);
  const { scheduler, timestep } = schedulerAt(PLACE);
  const variables = bench.model.trainableVariables();
  // A learning rate of zero leaves the numbers as they are from run to run; AdamW does all its work.
  const optimizer = new AdamW(variables, { lr: 0 });
  return {
    run: () => {
      const result = lossGradients(() => {
        const v = bench.guided(inputs.latents, inputs.timestep);
        const [, log_probs] = scheduler.samplePreviousStep(inputs.latents, v, {
          timestep,
          prevSample: inputs.next_latents,
        });
        const { old_log_probs, advantages } = inputs;
        return computeLoss(
          'flow_grpo',
          { log_probs, old_log_probs, advantages },
          { clip_ratio: 0.2 },
        );
      }, variables);
      const { gradients, norm } = clipGradients(result.gradients, 1);
      optimizer.step(gradients);
      tf.dispose([...gradients.values()]);
      const loss = result.loss.clone();
      result.dispose();
      return { loss, norm: tf.scalar(norm) };
    },
    dispose: () => {
      optimizer.dispose();
      bench.dispose();
    },
  };
}

/** The products of a backward pass are twice those of the forward pass; adapters need one of the two. */
export const transformerRows: Row[] = [
  modelRow('forward', 1, forward),
  modelRow('forward-backward', 3, (folder, inputs) => forwardBackward(folder, inputs, false)),
  modelRow('forward-backward-lora', 2, (folder, inputs) => forwardBackward(folder, inputs, true)),
  modelRow('train-step', 4, trainStep, trainingInputs),
];
