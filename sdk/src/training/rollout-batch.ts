import { drawOrDescribe, jupyterDisplay, type MimeBundle } from '../core/jupyter-display';
import type { PixelImage } from '../core/pixel-image';
import type { MicroBatch, RolloutTensors } from '../pipelines';
import type { PromptRecord } from '../rewards';
import { tf } from '../tensorflow';

/** What the steps of a rollout are compared with, when an objective needs it. */
export type PolicyTensors = {
  /** (B, W) under the policy before the step's updates, recomputed by the trainer; without it the rollout's own count. */
  old_log_probs?: tf.Tensor | null;
  /** (B, W, S, C) means of the steps under the policy that rolled out: for GRPO-Guard and Flow-DPPO. */
  old_prev_sample_mean?: tf.Tensor | null;
  /** (B, W, S, C) means of the steps under the reference model: for the KL term. */
  ref_prev_sample_mean?: tf.Tensor | null;
  /** (B, W, S, C) means of the steps under a teacher: for distillation. */
  teacher_prev_sample_mean?: tf.Tensor | null;
  /** (B, W, S, C) velocities of a teacher: for distillation by velocities. */
  teacher_noise_pred?: tf.Tensor | null;
  /** (B, W) what each step's loss is multiplied by; see `correctRollout`. */
  rollout_is_weights?: tf.Tensor | null;
};

/** The tensors of a batch: what the rollout left, and what was computed on it since. */
export type BatchTensors = RolloutTensors & PolicyTensors;

const FIELDS = [
  'all_latents',
  'all_log_probs',
  'all_timesteps',
  'latents_clean',
  'train_timesteps',
  'prompt_embeds',
  'prompt_embeds_mask',
  'pooled_prompt_embeds',
  'negative_prompt_embeds',
  'negative_prompt_embeds_mask',
  'negative_pooled_prompt_embeds',
  'old_log_probs',
  'old_prev_sample_mean',
  'ref_prev_sample_mean',
  'teacher_prev_sample_mean',
  'teacher_noise_pred',
  'rollout_is_weights',
] as const;

/** What a rollout of groups is made of besides its tensors. */
export interface RolloutBatchInfo {
  images: PixelImage[];
  /** The record that each picture was made from. */
  prompts: PromptRecord[];
  /** Number of each picture's group. */
  groups: number[];
  /** In pixels. */
  height: number;
  /** In pixels. */
  width: number;
  /** First step with noise and one past the last. */
  window: readonly [number, number];
}

/**
 * Pictures with everything that training on them needs. Dispose it when the step is done.
 *
 * @example
 * const settings = { key: RandomKey.fromSeed(1), groupSize: 2, numInferenceSteps: 4 };
 * const batch = await rolloutGroups(pipeline, [{ prompt: 'a red circle' }], settings);
 * [batch.size, batch.groups]; // [2, [0, 0]]
 * batch.dispose();
 */
export class RolloutBatch implements RolloutBatchInfo {
  readonly images: PixelImage[];
  readonly prompts: PromptRecord[];
  readonly groups: number[];
  readonly height: number;
  readonly width: number;
  readonly window: readonly [number, number];

  /** @param tensors Are taken over. */
  constructor(
    readonly tensors: BatchTensors,
    info: RolloutBatchInfo,
  ) {
    this.images = info.images;
    this.prompts = info.prompts;
    this.groups = info.groups;
    this.height = info.height;
    this.width = info.width;
    this.window = info.window;
  }

  /** The trajectory of the first picture as a chart, or the batch in words. */
  [jupyterDisplay](): Promise<MimeBundle> {
    const [first, end] = this.window;
    const words = `${this.size} pictures, trajectories over steps ${first} to ${end - 1}`;
    return drawOrDescribe(this.tensors, () => words);
  }

  /** Number of pictures, B. */
  get size(): number {
    return this.prompts.length;
  }

  /** Number of steps that can be trained, W. */
  get windowSize(): number {
    return this.window[1] - this.window[0];
  }

  /**
   * Some rows as a batch of their own, under verl-omni's names. The caller disposes its tensors.
   *
   * @param rows Numbers of pictures.
   */
  rows(rows: readonly number[]): MicroBatch & BatchTensors {
    const taken = tf.tidy(() => {
      const index = tf.tensor1d([...rows], 'int32');
      return Object.fromEntries(
        FIELDS.flatMap((name) => {
          const tensor = this.tensors[name];
          return tensor === null || tensor === undefined
            ? []
            : [[name, tf.gather(tensor as tf.Tensor, index)]];
        }),
      );
    });
    const absent = Object.fromEntries(FIELDS.map((name) => [name, null]));
    const { height, width } = this;
    return { ...absent, ...taken, height, width } as unknown as MicroBatch & BatchTensors;
  }

  /** Frees its tensors; the pictures stay. */
  dispose(): void {
    tf.dispose(Object.values(this.tensors).filter((tensor) => tensor instanceof tf.Tensor));
  }
}

/** Lays batches of rollout tensors one after the other; the parts are disposed. */
export function concatRollouts(parts: readonly BatchTensors[]): BatchTensors {
  if (parts.length === 1) return parts[0];
  const joined = FIELDS.map((name) => {
    const tensors = parts.map((part) => part[name] ?? null);
    return [name, tensors[0] === null ? null : tf.concat(tensors as tf.Tensor[])] as const;
  });
  for (const part of parts)
    tf.dispose(Object.values(part).filter((tensor) => tensor instanceof tf.Tensor));
  return Object.fromEntries(joined) as BatchTensors;
}
