import { checkOptions, required, SWITCH, TEXT, type Rules } from '../core/option-rules';
import { DiffusionModelConfig, type DiffusionModelConfigLike } from '../config';
import { Registry } from '../core/registry';
import type { tf } from '../tensorflow';
import { adapterKey, classDecorator } from './adapter-key';
import type {
  MicroBatch,
  ModelInputs,
  ModelMixin,
  ReverseStep,
  SchedulerInputs,
  SchedulerMixin,
} from './model-mixin';

/** A training adapter: a class with the static methods of `DiffusionModelBase`. */
export type DiffusionModelClass = typeof DiffusionModelBase;

/** Under which algorithm an adapter is registered. */
export interface AdapterRegistration {
  /** The value of `DiffusionModelConfig.algorithm` that selects it. */
  algorithm: string;
  /** Overwrite an earlier registration instead of refusing. Default false. */
  replace?: boolean;
}

/** What a registration must be. */
export const ADAPTER_RULES: Rules<AdapterRegistration> = {
  algorithm: required(TEXT),
  replace: SWITCH,
};

const REQUIRED = [
  'buildScheduler',
  'setTimesteps',
  'prepareModelInputs',
  'forwardAndSamplePreviousStep',
] as const;

const registry = new Registry<DiffusionModelClass>('training adapter');

function missing(adapter: { name: string }, method: string): Error {
  return new Error(
    `Cannot use ${adapter.name} as a training adapter must implement the static method ${method}`,
  );
}

/**
 * Base of training adapters: what an algorithm needs to know about one architecture.
 *
 * Extend it, implement the four static methods, and register the class under the `_class_name` of the
 * pipeline's model_index.json and an algorithm. Adapters have no state, so nothing is ever instantiated.
 *
 * @example
 * class MyAdapter extends QwenImage {}
 * DiffusionModelBase.register('MyPipeline', { algorithm: 'flow_grpo' })(MyAdapter);
 */
export abstract class DiffusionModelBase {
  /**
   * Makes a class decorator that registers an adapter for (architecture, algorithm). It may also be
   * called plainly: `DiffusionModelBase.register('MyPipeline', { algorithm: 'flow_grpo' })(MyAdapter)`.
   *
   * @throws When the class lacks one of the four methods (the message names it), or the pair is taken.
   */
  static register(
    architecture: string,
    { algorithm, replace = false, ...others }: AdapterRegistration,
  ) {
    const given = { algorithm, replace, ...others };
    checkOptions(`register a training adapter for ${architecture}`, given, ADAPTER_RULES);
    return classDecorator<DiffusionModelClass>((adapter) => {
      for (const method of REQUIRED) {
        const implementation: unknown = adapter[method];
        if (typeof implementation !== 'function' || implementation === DiffusionModelBase[method]) {
          throw new Error(
            `Cannot register ${adapter.name} for ${adapterKey(architecture, algorithm)} as a training adapter must implement the static method ${method}`,
          );
        }
      }
      registry.register(adapterKey(architecture, algorithm), adapter, { replace });
    });
  }

  /**
   * The adapter registered for a configuration's (architecture, algorithm).
   *
   * @throws On a miss; the message lists what is registered.
   */
  static getClass(modelConfig: DiffusionModelConfigLike): DiffusionModelClass {
    const { architecture, algorithm } = DiffusionModelConfig.from(modelConfig);
    return registry.get(adapterKey(architecture, algorithm));
  }

  /** What is registered, each as `architecture/algorithm`. */
  static registered(): string[] {
    return registry.names();
  }

  /**
   * Builds the scheduler, with its timesteps and sigmas already set.
   *
   * @throws In the base itself: an adapter brings its own.
   */
  static buildScheduler(_modelConfig: DiffusionModelConfigLike): SchedulerMixin {
    throw missing(this, 'buildScheduler');
  }

  /**
   * Sets timesteps and sigmas on a scheduler.
   *
   * @param device 'cpu' or 'cuda'. Checked against what this process has, moves nothing.
   *
   * @throws In the base itself: an adapter brings its own.
   */
  static setTimesteps(
    _scheduler: SchedulerMixin,
    _modelConfig: DiffusionModelConfigLike,
    _device: string,
  ): void {
    throw missing(this, 'setTimesteps');
  }

  /**
   * Builds what the model's forward pass takes.
   *
   * @param module The denoising model.
   * @param latents A trajectory (B, T, ...), of which `step` selects a slice, or, for forward-process
   *   objectives, noised latents (B, ...).
   * @param timesteps (B, T), or (B) for noised latents.
   * @param promptEmbeds (B, L, D)
   * @param promptEmbedsMask (B, L), 1 at text and 0 at padding, or null.
   * @param negativePromptEmbeds (B, L, D), or null without guidance.
   * @param negativePromptEmbedsMask (B, L), or null.
   * @param microBatch The whole batch, for what an architecture needs besides (height, width, ...).
   * @param step Index into the trajectory.
   * @returns Inputs for the prompt and for the negative prompt.
   * @throws In the base itself: an adapter brings its own.
   */
  static prepareModelInputs(
    _module: ModelMixin,
    _modelConfig: DiffusionModelConfigLike,
    _latents: tf.Tensor,
    _timesteps: tf.Tensor,
    _promptEmbeds: tf.Tensor,
    _promptEmbedsMask: tf.Tensor | null,
    _negativePromptEmbeds: tf.Tensor | null,
    _negativePromptEmbedsMask: tf.Tensor | null,
    _microBatch: MicroBatch,
    _step: number,
  ): [ModelInputs, ModelInputs | null] {
    throw missing(this, 'prepareModelInputs');
  }

  /**
   * Runs the model and takes one step of the reverse process, for algorithms that learn from
   * log-probabilities of reverse steps (FlowGRPO, DanceGRPO).
   *
   * @param module The denoising model.
   * @param scheduler The scheduler of the diffusion process.
   * @param modelInputs What `prepareModelInputs` made for the prompt.
   * @param negativeModelInputs What it made for the negative prompt, or null without guidance.
   * @param schedulerInputs Holds `all_latents` and `all_timesteps`.
   * @param step Index into the trajectory.
   * @returns `[logProb, prevSampleMean, stdDevT, sqrtDt]`
   * @throws In the base itself: an adapter brings its own.
   */
  static forwardAndSamplePreviousStep(
    _module: ModelMixin,
    _scheduler: SchedulerMixin,
    _modelConfig: DiffusionModelConfigLike,
    _modelInputs: ModelInputs,
    _negativeModelInputs: ModelInputs | null,
    _schedulerInputs: SchedulerInputs | null,
    _step: number,
  ): ReverseStep {
    throw missing(this, 'forwardAndSamplePreviousStep');
  }
}
