import type { RandomKey } from '../core/random-key';
import type { LoraAdapters } from '../models';
import type { tf } from '../tensorflow';

/** Named inputs of a model's forward pass. */
export type ModelInputs = Record<string, unknown>;

/** What the training loop needs of a denoising model. */
export interface ModelMixin {
  /** The model's configuration, as its config.json has it. */
  readonly config: object;
  /** Predicts; the first element of the result is the prediction. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  forward(inputs: any): readonly tf.Tensor[] | { sample: tf.Tensor };
}

/** What the training loop needs of a model's adapters: a part of `LoraAdapters`. */
export type PolicyAdapters = Pick<
  LoraAdapters,
  | 'layers'
  | 'enabled'
  | 'active'
  | 'merged'
  | 'weightOf'
  | 'names'
  | 'get'
  | 'copy'
  | 'average'
  | 'using'
  | 'variables'
  | 'remove'
>;

/** A denoising model whose weights can be trained. */
export interface TrainableModel extends ModelMixin {
  /** Adapters when there are any, else all weights, by name. */
  trainableVariables(): Map<string, tf.Variable>;
  /**
   * Adds a low-rank adapter, `default`, that changes nothing at first (B is zero); it is what is trained then.
   *
   * @throws When there is one of that name, a module has no linear layer, or the rank is no whole number from 1.
   */
  addLora(options: {
    rank: number;
    alpha?: number;
    targetModules?: string | string[];
    key: RandomKey;
  }): void;
  /** Named adapters, and which of them take part in a forward pass. */
  readonly adapters: PolicyAdapters;
  /** Whether gradients run blocks a second time instead of keeping what they compute. Missing: false. */
  readonly isGradientCheckpointing?: boolean;
  /** Has gradients run blocks a second time: less memory for a forward pass more. */
  enableGradientCheckpointing?(): void;
  /** Has gradients keep what blocks compute. */
  disableGradientCheckpointing?(): void;
}

/** What the training loop needs of a scheduler. */
export interface SchedulerMixin {
  /** (N) time of each step, falling. */
  readonly timesteps: tf.Tensor;
  /** (N + 1) noise level before each step and after the last; (N) on a training schedule, which has no end at 0. */
  readonly sigmas: tf.Tensor;
  /** Replaces times and noise levels by those of a run of so many steps. */
  setTimesteps(numInferenceSteps?: number | null, options?: object): void;
  /** Frees its tensors. */
  dispose(): void;
}

/**
 * Everything a rollout leaves for training, by verl-omni's batch fields. Adapters read tensors
 * (`all_latents`, `all_timesteps`, ...) and numbers (`height`, `width`, `vae_scale_factor`) from it.
 */
export type MicroBatch = Record<string, unknown>;

/** The part of a batch that the scheduler reads. */
export type SchedulerInputs = Record<string, unknown>;

/**
 * `[logProb (B), prevSampleMean (B, ...), stdDevT (B, 1, ...), sqrtDt (B)]`, of the latents' rank: (B, S, C) and (B, 1, 1) for
 * Qwen-Image, (B, C, H, W) and (B, 1, 1, 1) for Stable Diffusion 3.
 */
export type ReverseStep = [
  logProb: tf.Tensor,
  prevSampleMean: tf.Tensor,
  stdDevT: tf.Tensor,
  sqrtDt: tf.Tensor,
];
