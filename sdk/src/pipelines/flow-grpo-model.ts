import { DiffusionModelConfig, type DiffusionModelConfigLike } from '../config';
import { FlowMatchSDEDiscreteScheduler } from '../schedulers';
import { backendInfo, tf } from '../tensorflow';
import { DiffusionModelBase } from './diffusion-model-base';
import type { ModelInputs, ModelMixin, ReverseStep, SchedulerInputs } from './model-mixin';
import { readSchedulerConfig } from './read-scheduler-config';
import { trajectoryStep } from './trajectory-step';

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
 * What the training adapters of FlowGRPO and its relatives share: the scheduler from the model directory,
 * and the replay of a rollout's steps for their log-probabilities. An adapter adds its timesteps
 * (`setTimesteps`), its inputs (`prepareModelInputs`) and its guidance (`predictVelocity`).
 */
export abstract class FlowGRPOModel extends DiffusionModelBase {
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
    const scheduler = FlowMatchSDEDiscreteScheduler.fromConfig(readSchedulerConfig(config));
    this.setTimesteps(scheduler, config, backendInfo().device.toLowerCase());
    return scheduler;
  }

  /**
   * The velocity that a step goes by, guided as the configuration says.
   *
   * @throws When guidance is asked for and there is nothing to guide away from.
   */
  static predictVelocity(
    _module: ModelMixin,
    _config: DiffusionModelConfig,
    _modelInputs: ModelInputs,
    _negativeModelInputs: ModelInputs | null,
  ): tf.Tensor {
    throw new Error(
      `Cannot use ${this.name} as a training adapter must implement the static method predictVelocity`,
    );
  }

  /**
   * Runs the transformer, guided as the configuration says, and gives the log-probability that the step
   * from `all_latents[:, step]` to `all_latents[:, step + 1]` has under it.
   *
   * @param schedulerInputs `all_latents` (B, T, ...) and `all_timesteps` (B, W).
   * @returns `[logProb (B), prevSampleMean (B, ...), stdDevT (B, 1, ...), sqrtDt (B)]`
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
      const v = this.predictVelocity(module, config, modelInputs, negativeModelInputs);
      const [, logProb, prevSampleMean, stdDevT, sqrtDt] = scheduler.samplePreviousStep(
        trajectoryStep(latents, step),
        v,
        {
          timestep: trajectoryStep<tf.Tensor1D>(timesteps, step),
          prevSample: trajectoryStep(latents, step + 1),
          noiseLevel: config.algo.noise_level,
          sdeType: config.algo.sde_type,
          returnLogprobs: true,
          returnSqrtDt: true,
        },
      );
      return [logProb, prevSampleMean, stdDevT, sqrtDt];
    });
  }
}
