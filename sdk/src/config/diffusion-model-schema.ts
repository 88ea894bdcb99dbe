import { z } from 'zod';

const count = z.number().int().positive();

/** How pictures are made: verl-omni's `rollout.pipeline`. */
export const pipelineSchema = z.strictObject({
  /** Height of a picture, in pixels. */
  height: count.default(512),
  /** Width of a picture, in pixels. */
  width: count.default(512),
  /** Denoising steps. */
  num_inference_steps: count.default(10),
  /** Scale of true classifier-free guidance; off at 1 and below. */
  true_cfg_scale: z.number().default(1),
  /** Scale of distilled guidance, for models that embed it; null for others. */
  guidance_scale: z.number().nullable().default(null),
  /** Longest prompt, in tokens. */
  max_sequence_length: count.default(512),
  /** Frames of a video; 1 for a picture. */
  num_frames: count.default(1),
});

/** How noise is put in: verl-omni's `rollout.algo`. */
export const algoSchema = z.strictObject({
  /** Strength of the noise, eta. */
  noise_level: z.number().nonnegative().default(1),
  /** The stochastic step: `sde`, `cps`, `dance_sde` or a registered one. Default: the algorithm's own. */
  sde_type: z.string().optional(),
  /** Steps that get noise; null for all but the last. */
  sde_window_size: count.nullable().default(null),
  /** First step and one past the last step between which a window may lie; null for [0, 5]. */
  sde_window_range: z.tuple([z.number().int().nonnegative(), count]).nullable().default(null),
  /** Whether the steps of a window follow each other. */
  sde_contiguous: z.boolean().default(true),
  /** How MixGRPO moves the window: `random` or `progressive`. */
  sample_strategy: z.enum(['random', 'progressive']).default('random'),
  /** Iterations that MixGRPO stays at a window when it is progressive. */
  iters_per_group: count.default(1),
  /** Seed of MixGRPO's random windows; null for the rollout's own generator. */
  sde_window_seed: z.number().int().nullable().default(0),
});

/** A diffusion model and how it is used: verl-omni's `actor_rollout_ref.model` with its rollout settings. */
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
  lora_init_weights: z.string().default('gaussian'),
  /** Names of the layers that get adapters. */
  target_modules: z.union([z.string(), z.array(z.string())]).default('all-linear'),
  pipeline: pipelineSchema.prefault({}),
  algo: algoSchema.prefault({}),
});

export type PipelineConfig = z.output<typeof pipelineSchema>;
export type AlgoConfig = z.output<typeof algoSchema> & { sde_type: string };
export type ModelConfigFields = z.output<typeof modelSchema>;
