import { DiffusionModelConfig, type DiffusionModelConfigLike } from '../config';
import { FlowMatchEulerDiscreteScheduler } from '../schedulers';
import { backendInfo, tf } from '../tensorflow';
import { checkDevice } from '../tensorflow/device';
import { DiffusionModelBase } from './diffusion-model-base';
import type {
  ModelInputs,
  ModelMixin,
  ReverseStep,
  SchedulerInputs,
  SchedulerMixin,
} from './model-mixin';
import { readSchedulerConfig } from './read-scheduler-config';

/**
 * What the training adapters of forward-process objectives share (Diffusion-DPO, DiffusionNFT): they learn from data that
 * was noised, so they predict and take no reverse step. An adapter adds its inputs (`prepareModelInputs`) and its
 * prediction (`forward`).
 */
export abstract class ForwardProcessModel extends DiffusionModelBase {
  /**
   * Builds the scheduler from the model directory, on its training schedule: all of its times, falling, with a static
   * shift applied.
   *
   * @throws When the configuration names no model directory.
   */
  static override buildScheduler(
    modelConfig: DiffusionModelConfigLike,
  ): FlowMatchEulerDiscreteScheduler {
    const config = DiffusionModelConfig.from(modelConfig);
    const scheduler = FlowMatchEulerDiscreteScheduler.fromConfig(readSchedulerConfig(config));
    this.setTimesteps(scheduler, config, backendInfo().device.toLowerCase());
    return scheduler;
  }

  /** Changes nothing: times of training are drawn from the whole training schedule. */
  static override setTimesteps(
    _scheduler: SchedulerMixin,
    _modelConfig: DiffusionModelConfigLike,
    device: string,
  ): void {
    checkDevice(device);
  }

  /**
   * Predicts the velocity (noise - data) from noised data, guided as the configuration says.
   *
   * @param modelInputs What `prepareModelInputs` made for the prompt.
   * @param negativeModelInputs What it made for the negative prompt, or null without guidance.
   * @returns Of the latents' shape, differentiable.
   * @throws When guidance is asked for and there are no negative inputs.
   */
  static forward(
    _module: ModelMixin,
    _modelConfig: DiffusionModelConfigLike,
    _modelInputs: ModelInputs,
    _negativeModelInputs: ModelInputs | null,
  ): tf.Tensor {
    throw new Error(
      `Cannot use ${this.name} as a training adapter must implement the static method forward`,
    );
  }

  /**
   * Refused: the objective learns from noised data and takes no reverse step.
   *
   * @throws Always.
   */
  static override forwardAndSamplePreviousStep(
    _module: ModelMixin,
    _scheduler: SchedulerMixin,
    _modelConfig: DiffusionModelConfigLike,
    _modelInputs: ModelInputs,
    _negativeModelInputs: ModelInputs | null,
    _schedulerInputs: SchedulerInputs | null,
    _step: number,
  ): ReverseStep {
    throw new Error(
      `Cannot sample the previous step as ${this.name} learns from noised data, not from reverse steps: call ${this.name}.forward() for the prediction`,
    );
  }
}

/**
 * Checks that latents and times are one noised sample a row, not a trajectory.
 *
 * @param axes Names of the latents' axes, as 'B, S, C'.
 */
export function checkNoised(latents: tf.Tensor, timesteps: tf.Tensor, axes: string): void {
  const rank = axes.split(',').length;
  if (latents.rank !== rank || timesteps.shape.join() !== String(latents.shape[0])) {
    throw new Error(
      `Cannot prepare model inputs as a forward-process objective takes noised latents (${axes}) and times (B): current shapes are [${latents.shape}] and [${timesteps.shape}]`,
    );
  }
}
