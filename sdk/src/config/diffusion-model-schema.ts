import { z } from 'zod';
import { shapeWithoutEffect, withDefaults, withoutEffect } from './run/key-notes';

const count = z.number().int().positive();

const pipelineKeys = {
  /** Height of a picture, in pixels. */
  height: count,
  /** Width of a picture, in pixels. */
  width: count,
  /** Denoising steps. */
  num_inference_steps: count,
  /** Scale of true classifier-free guidance; off at 1 and below. */
  true_cfg_scale: z.number(),
  /** Stable Diffusion 3's scale of classifier-free guidance, off at 1 and below; of distilled guidance for models that embed it. Null: none. */
  guidance_scale: z.number().nullable(),
  /** Longest prompt, in tokens. */
  max_sequence_length: count,
};

const PIPELINE_DEFAULTS = {
  height: 512,
  width: 512,
  num_inference_steps: 10,
  true_cfg_scale: 1,
  guidance_scale: null,
  max_sequence_length: 512,
};

/** Settings of videos and of upstream's server, which pictures have no use for. */
const PIPELINE_DEFAULTS_WITHOUT_EFFECT = {
  num_frames: 1,
  frame_rate: 24,
  video_flow_shift: 12,
  aspect_ratio: null,
  output_type: 'image',
};

const algoKeys = {
  /** Strength of the noise, eta. */
  noise_level: z.number().nonnegative(),
  /** The stochastic step: `sde`, `cps`, `dance_sde` or a registered one. */
  sde_type: z.string().min(1),
  /** Steps that get noise; null for all but the last. */
  sde_window_size: count.nullable(),
  /** First step and one past the last step between which a window may lie; null for [0, 5]. */
  sde_window_range: z.tuple([z.number().int().nonnegative(), count]).nullable(),
  /** How MixGRPO moves the window: `random` or `progressive`. */
  sample_strategy: z.enum(['random', 'progressive']),
  /** Iterations that MixGRPO stays at a window when it is progressive. */
  iters_per_group: count,
  /** Seed of MixGRPO's random windows; null for the rollout's own generator. */
  sde_window_seed: z.number().int().nullable(),
};

const ALGO_DEFAULTS = {
  noise_level: 1,
  sde_type: 'sde',
  sde_window_size: null,
  sde_window_range: null,
  sample_strategy: 'random',
  iters_per_group: 1,
  sde_window_seed: 0,
} as const;

/**
 * How pictures are made: verl-omni's `pipeline`.
 *
 * @param followed The section whose values are taken unless they are set.
 */
export function pipelineSchemaLike(followed?: string) {
  return z.strictObject({
    ...withDefaults(pipelineKeys, PIPELINE_DEFAULTS, followed),
    ...Object.fromEntries(
      Object.entries(PIPELINE_DEFAULTS_WITHOUT_EFFECT).map(([key, value]) => [
        key,
        withoutEffect(value, followed && `${followed}.${key}`),
      ]),
    ),
  });
}

/**
 * How noise is put in: verl-omni's `algo`.
 *
 * @param followed The section whose values are taken unless they are set.
 */
export function algoSchemaLike(followed?: string) {
  return z.strictObject({
    ...withDefaults(algoKeys, ALGO_DEFAULTS, followed),
    /** Whether the steps of a window follow each other: asked by upstream's video pipelines alone. */
    sde_contiguous: withoutEffect(true, followed && `${followed}.sde_contiguous`),
  });
}

export const pipelineSchema = pipelineSchemaLike('actor_rollout_ref.rollout.pipeline');
export const algoSchema = algoSchemaLike('actor_rollout_ref.rollout.algo');

/** A diffusion model and how it is used: verl-omni's `actor_rollout_ref.model`. */
export const modelSchema = z.strictObject({
  /** Model directory in diffusers' layout. */
  path: z.string().min(1).nullable().default(null),
  /** `_class_name` of the directory's model_index.json; read from there when null. */
  architecture: z.string().min(1).nullable().default(null),
  /** The algorithm that adapters are registered under. */
  algorithm: z.string().min(1).default('flow_grpo'),
  /** Rank of the adapters; 0 trains all weights. */
  lora_rank: z.number().int().nonnegative().default(0),
  lora_alpha: z.number().positive().default(64),
  /** Names of the layers that get adapters. */
  target_modules: z.union([z.string(), z.array(z.string())]).default('all-linear'),
  /** Sets of adapters that the algorithm keeps: `old` for DiffusionNFT. */
  policy_state_adapters: z.array(z.string()).default(['default']),
  /** Whether gradients run blocks again; null leaves the transformer as it is set. Upstream's default would slow every run. */
  enable_gradient_checkpointing: z.boolean().nullable().default(null),
  pipeline: pipelineSchema.prefault({}),
  algo: algoSchema.prefault({}),
  ...shapeWithoutEffect({
    lora_init_weights: 'gaussian',
    model_type: 'diffusion_model',
    tokenizer_path: null,
    extra_tokenizers: null,
    use_shm: false,
    trust_remote_code: false,
    custom_chat_template: null,
    external_lib: null,
    config_path: null,
    transformer_subfolder: 'transformer',
    attn_backend: '_flash_3_varlen_hub',
    target_parameters: null,
    exclude_modules: null,
    lora_adapter_path: null,
    lora_dtype: null,
    fsdp_layer_prefixes: ['transformer_blocks.'],
    mtp: { enable: false },
    load_tokenizer: true,
  }),
});

/** How pictures are made: their size in pixels, steps and guidance. */
export type PipelineConfig = z.output<typeof pipelineSchema>;
/** How noise is put into a rollout's steps. */
export type AlgoConfig = z.output<typeof algoSchema>;
