import type { Generator, tf } from '../tensorflow';
import type { OutputType } from './rollout-options';

/** Token ids or a mask: one row a prompt, or one row alone. */
export type TokenRows = tf.Tensor | readonly number[] | readonly (readonly number[])[];

/** A prompt of a request. Give the text, or the token ids with the template already applied. */
export interface RequestPrompt {
  prompt?: string;
  /** What guidance leads away from. */
  negative_prompt?: string | null;
  prompt_token_ids?: readonly number[];
  /** Another name of `prompt_token_ids`. */
  prompt_ids?: readonly number[];
  /** 1 at tokens and 0 at padding; all 1 when left out. */
  prompt_mask?: readonly number[];
  negative_prompt_ids?: readonly number[];
  negative_prompt_mask?: readonly number[];
  /** Token ids for each text encoder, where there are several: Stable Diffusion 3's 'clip' and 't5'. */
  extra_prompt_ids?: EncoderTokens | null;
  negative_extra_prompt_ids?: EncoderTokens | null;
  /** Where fields are looked up that the prompt itself lacks. */
  additional_information?: Omit<RequestPrompt, 'additional_information'> | null;
}

/** Unpadded token ids of one prompt, special tokens included, by text encoder. */
export type EncoderTokens = Readonly<Record<string, readonly number[]>>;

/** Settings of the algorithm that a request carries along. */
export interface RolloutExtraArgs {
  noise_level?: number | null;
  sde_window_size?: number | null;
  sde_window_range?: readonly [number, number] | null;
  sde_type?: string | null;
  logprobs?: boolean | null;
  [name: string]: unknown;
}

/** How pictures of a request are sampled; what is null or left out comes from the call's options. */
export interface SamplingParams {
  height?: number | null;
  width?: number | null;
  num_inference_steps?: number | null;
  sigmas?: readonly number[] | null;
  max_sequence_length?: number | null;
  true_cfg_scale?: number | null;
  guidance_scale?: number | null;
  /** False makes `guidance_scale` count as not given. */
  guidance_scale_provided?: boolean;
  num_outputs_per_prompt?: number | null;
  generator?: Generator | readonly Generator[] | null;
  /** Makes a generator when none is given. */
  seed?: number | null;
  /** Initial latents of the request's pictures. */
  latents?: tf.Tensor | null;
  /** What comes back as the picture; see `OutputType`. */
  output_type?: OutputType | null;
  extra_args?: RolloutExtraArgs | null;
}

/** What a rollout pipeline is asked for: vLLM-Omni's `OmniDiffusionRequest` as a plain object. */
export interface RolloutRequest {
  prompts?: readonly (string | RequestPrompt)[];
  sampling_params?: SamplingParams | null;
}

/**
 * The tensors that a rollout leaves for training. Latents have the transformer's layout: (S, C) packed
 * for Qwen-Image, (C, H, W) for Stable Diffusion 3. A type, not an interface, which would not fit `MicroBatch`.
 */
export type RolloutTensors = {
  /** (B, W + 1, ...) latents before the window's first step and after each of its steps. */
  all_latents: tf.Tensor;
  /** (B, W), or null without `logprobs`. */
  all_log_probs: tf.Tensor2D | null;
  /** (B, W), from 0 to 1000. */
  all_timesteps: tf.Tensor2D;
  /** (B, L, D) */
  prompt_embeds: tf.Tensor3D;
  /** (B, L) int32 */
  prompt_embeds_mask: tf.Tensor2D;
  /** (B, P), where the transformer takes pooled embeddings. */
  pooled_prompt_embeds?: tf.Tensor2D;
  /** (B, L', D), or null without guidance. */
  negative_prompt_embeds: tf.Tensor3D | null;
  /** (B, L') int32, or null without guidance. */
  negative_prompt_embeds_mask: tf.Tensor2D | null;
  /** (B, P), or null without guidance; where the transformer takes pooled embeddings. */
  negative_pooled_prompt_embeds?: tf.Tensor2D | null;
  /** (B, ...) final latents, for the output type 'both' and where an objective learns from noised data. */
  latents_clean?: tf.Tensor;
  /** (B, T) all times of the rollout, where an objective learns from noised data. */
  train_timesteps?: tf.Tensor2D;
};
