import { DiffusionModelConfig, type DiffusionModelConfigLike } from '../../config';
import { openModelDirectory } from '../../io/model-directory';
import { FlowMatchSDEDiscreteScheduler } from '../../schedulers';
import { backendInfo, tf } from '../../tensorflow';
import { checkDevice } from '../../tensorflow/device';
import { DiffusionModelBase } from '../diffusion-model-base';
import type {
  MicroBatch,
  ModelInputs,
  ModelMixin,
  ReverseStep,
  SchedulerInputs,
} from '../model-mixin';
import { predictVelocity } from '../true-cfg';
import { VAE_SCALE_FACTOR, linearSigmas, shiftFor, tokenGrid } from './schedule';

/** x[:, step] of (B, T, ...). */
function at<Rank extends tf.Tensor>(x: tf.Tensor, step: number): Rank {
  const [, T = 0] = x.shape;
  if (!(step >= 0 && step < T)) {
    throw new Error(
      `Cannot select a step of a trajectory as it must be 0 to ${T - 1}: current value is ${step}`,
    );
  }
  return tf.gather(x, step, 1) as Rank;
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

function tensorOf(inputs: SchedulerInputs | null, key: string): tf.Tensor {
  const value = inputs?.[key];
  if (!(value instanceof tf.Tensor)) {
    const present = Object.keys(inputs ?? {}).join(', ') || 'none';
    throw new Error(
      `Cannot sample the previous step as the scheduler inputs must hold "${key}": present are ${present}`,
    );
  }
  return value;
}

/**
 * Training adapter of Qwen-Image for FlowGRPO: builds the scheduler, builds what the transformer
 * takes, and replays the steps of a rollout for their log-probabilities.
 *
 * Registered under (`QwenImagePipeline`, `flow_grpo`).
 */
export class QwenImage extends DiffusionModelBase {
  /**
   * Builds the scheduler from the model directory, with timesteps and sigmas for the configured size
   * and number of steps.
   *
   * @throws When the configuration names no model directory.
   */
  static override buildScheduler(
    modelConfig: DiffusionModelConfigLike,
  ): FlowMatchSDEDiscreteScheduler {
    const config = DiffusionModelConfig.from(modelConfig);
    if (config.path === null) {
      throw new Error(
        'Cannot build a scheduler as the configuration must name a model directory: current path is null',
      );
    }
    const scheduler = FlowMatchSDEDiscreteScheduler.fromConfig(
      openModelDirectory(config.path).config('scheduler'),
    );
    this.setTimesteps(scheduler, config, backendInfo().device.toLowerCase());
    return scheduler;
  }

  /** Sets N noise levels from 1 to 1/N, shifted by the number of latent tokens. */
  static override setTimesteps(
    scheduler: FlowMatchSDEDiscreteScheduler,
    modelConfig: DiffusionModelConfigLike,
    device: string,
  ): void {
    checkDevice(device);
    const { height, width, num_inference_steps } = DiffusionModelConfig.from(modelConfig).pipeline;
    const [rows, columns] = tokenGrid(height, width);
    scheduler.setTimesteps(num_inference_steps, {
      sigmas: linearSigmas(num_inference_steps),
      mu: shiftFor(rows * columns, scheduler.config),
      device,
    });
  }

  /**
   * Builds the transformer's inputs for one step of a trajectory. The negative inputs are always made;
   * their embeddings are null without a negative prompt.
   *
   * @param latents (B, T, S, C)
   * @param timesteps (B, T), from 0 to 1000.
   * @param microBatch May hold height, width (pixels) and vae_scale_factor.
   * @throws When the model embeds guidance and the configuration has no guidance_scale.
   */
  static override prepareModelInputs(
    module: ModelMixin,
    modelConfig: DiffusionModelConfigLike,
    latents: tf.Tensor,
    timesteps: tf.Tensor,
    promptEmbeds: tf.Tensor,
    promptEmbedsMask: tf.Tensor | null,
    negativePromptEmbeds: tf.Tensor | null,
    negativePromptEmbedsMask: tf.Tensor | null,
    microBatch: MicroBatch,
    step: number,
  ): [ModelInputs, ModelInputs] {
    const { pipeline } = DiffusionModelConfig.from(modelConfig);
    const [rows, columns] = tokenGrid(
      numberOf(microBatch, 'height', pipeline.height),
      numberOf(microBatch, 'width', pipeline.width),
      numberOf(microBatch, 'vae_scale_factor', VAE_SCALE_FACTOR),
    );
    const B = latents.shape[0];
    const shared = {
      hidden_states: at(latents, step),
      timestep: tf.tidy(() => tf.div(at(timesteps, step), 1000)),
      guidance: guidanceOf(module, pipeline.guidance_scale),
      img_shapes: Array.from({ length: B }, () => [[1, rows, columns]]),
      return_dict: false,
    };
    return [
      {
        ...shared,
        encoder_hidden_states: promptEmbeds,
        encoder_hidden_states_mask: promptEmbedsMask,
      },
      {
        ...shared,
        encoder_hidden_states: negativePromptEmbeds,
        encoder_hidden_states_mask: negativePromptEmbedsMask,
      },
    ];
  }

  /**
   * Runs the transformer, guided when `true_cfg_scale` is above 1, and gives the log-probability that
   * the step from `all_latents[:, step]` to `all_latents[:, step + 1]` has under it.
   *
   * @param schedulerInputs `all_latents` (B, T, S, C) and `all_timesteps` (B, W).
   * @returns `[logProb (B), prevSampleMean (B, S, C), stdDevT (B, 1, 1), sqrtDt (B)]`
   */
  static override forwardAndSamplePreviousStep(
    module: ModelMixin,
    scheduler: FlowMatchSDEDiscreteScheduler,
    modelConfig: DiffusionModelConfigLike,
    modelInputs: ModelInputs,
    negativeModelInputs: ModelInputs | null,
    schedulerInputs: SchedulerInputs | null,
    step: number,
  ): ReverseStep {
    const config = DiffusionModelConfig.from(modelConfig);
    const latents = tensorOf(schedulerInputs, 'all_latents');
    const timesteps = tensorOf(schedulerInputs, 'all_timesteps');
    return tf.tidy(() => {
      const v = predictVelocity(module, modelInputs, negativeModelInputs, config.true_cfg_scale);
      const [, logProb, prevSampleMean, stdDevT, sqrtDt] = scheduler.samplePreviousStep(
        at(latents, step),
        v,
        {
          timestep: at<tf.Tensor1D>(timesteps, step),
          prevSample: at(latents, step + 1),
          noiseLevel: config.algo.noise_level,
          sdeType: config.algo.sde_type,
          returnLogprobs: true,
          returnSqrtDt: true,
        },
      );
      return [logProb, prevSampleMean, stdDevT, sqrtDt] as ReverseStep;
    });
  }
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

DiffusionModelBase.register('QwenImagePipeline', { algorithm: 'flow_grpo' })(QwenImage);
