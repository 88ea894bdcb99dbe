import { ANYTHING, orNull, TEXT, wholeNumber, type Rules } from '../core/option-rules';
import type { ModelDtype } from '../models/model-dtype';
import type { FlowMatchSDEDiscreteScheduler, SdeWindow } from '../schedulers';
import type { Generator, tf } from '../tensorflow';

/**
 * What comes back as the picture: bytes ('pil', or 'image'), final latents, (B, 3, H, W) from -1 to 1
 * ('pt'), or bytes with the final latents beside them as `latents_clean` ('both').
 */
export type OutputType = 'pil' | 'image' | 'latent' | 'pt' | 'both';

/** A step of the denoising loop, as a callback sees it. */
export interface DenoisedStep {
  /** From 0. */
  step: number;
  /** The time before the step, from 0 to 1000. */
  timestep: number;
  /** The tensors asked for by `callbackOnStepEndTensorInputs`. They are disposed afterwards: clone what is to stay. */
  tensors: Record<string, tf.Tensor>;
}

/**
 * Options that every rollout pipeline's `forward` takes. The request's sampling parameters go before
 * them. Defaults that differ between pipelines are named where they are set.
 */
export interface RolloutOptions {
  /** Scale of true classifier-free guidance, for Qwen-Image. */
  trueCfgScale?: number;
  /** Scale of classifier-free guidance for Stable Diffusion 3; without effect for Qwen-Image. */
  guidanceScale?: number;
  /** In pixels. Default: the pipeline's configuration. */
  height?: number | null;
  /** In pixels. Default: the pipeline's configuration. */
  width?: number | null;
  /** Denoising steps. Default: as many as `sigmas`, where they are given, else the architecture's. */
  numInferenceSteps?: number;
  /** Noise levels before the shift, one a step, in (0, 1], none above the one before it. Default: the architecture's own. */
  sigmas?: readonly number[] | null;
  /** Default 1. */
  numImagesPerPrompt?: number;
  /** One stream of random numbers, or one for each picture. Default: the pipeline's own stream. */
  generator?: Generator | readonly Generator[] | null;
  /** Initial latents in the transformer's layout. Default: drawn. */
  latents?: tf.Tensor | null;
  /** (B, L, D); bypasses the text encoder. */
  promptEmbeds?: tf.Tensor | null;
  /** (B, L) */
  promptEmbedsMask?: tf.Tensor | null;
  /** (B, P), for transformers that take pooled embeddings. */
  pooledPromptEmbeds?: tf.Tensor | null;
  negativePromptEmbeds?: tf.Tensor | null;
  negativePromptEmbedsMask?: tf.Tensor | null;
  negativePooledPromptEmbeds?: tf.Tensor | null;
  outputType?: OutputType | null;
  /** What `callbackOnStepEnd` gets to see: 'latents', 'prompt_embeds', 'negative_prompt_embeds'. Default ['latents']. */
  callbackOnStepEndTensorInputs?: readonly string[];
  /** Longest prompt in tokens; the rest is cut off. */
  maxSequenceLength?: number;
  /** eta within the window. Default 0.7. */
  noiseLevel?: number;
  /** Steps that get noise; null for all but the last. Default null. */
  sdeWindowSize?: number | null;
  /** Where the window may lie. Default, and for null: [0, 5]. */
  sdeWindowRange?: SdeWindow | null;
  /** 'sde' (default; 'dance_sde' for the algorithm dance_grpo), 'cps', or another transition. */
  sdeType?: string;
  /** Whether to compute log-probabilities. Default true. */
  logprobs?: boolean;
  /** Called after each denoising step; a promise is waited for. */
  callbackOnStepEnd?: ((step: DenoisedStep) => void | Promise<void>) | null;
  /** Called when denoising is over and pictures are about to be decoded: the pipeline may be asked for the next ones. */
  onDenoised?: (() => void) | null;
  /** Run the transformer as one compiled graph: slow at the first batch of a shape, fast after it. Default false. */
  compile?: boolean;
  /** 'verl-omni' follows verl-omni where the default is safer: docs/differences.md lists where. Default null. */
  compat?: 'verl-omni' | null;
  /** Stops the loop between steps. Default: the running cell's signal. */
  signal?: AbortSignal | null;
}

/** What the denoising loop of `diffuse` may be given besides its arguments. */
export interface DiffuseOptions extends Pick<
  RolloutOptions,
  'signal' | 'compile' | 'callbackOnStepEnd' | 'callbackOnStepEndTensorInputs'
> {
  /** What steps, by the schedule that `timesteps` are of. Default: the pipeline's, as it stands at the call. */
  scheduler?: FlowMatchSDEDiscreteScheduler | null;
}

/** How a pipeline is loaded. */
export interface LoadOptions {
  /** 'cpu' or 'cuda'. Checked against what this process has, moves nothing: all is computed where the process computes. */
  device?: string | null;
  /** Seed of the pipeline's own stream of random numbers, for calls that bring none. Default 0. */
  seed?: number;
  /** Read weight files of this variant, such as `fp16`, where a part has them. */
  variant?: string;
  /**
   * What transformer and text encoders hold their matrices in, and compute products in. Samplers, log-probabilities, adapters
   * and the autoencoder are float32 in any case. Default `float32`.
   */
  dtype?: ModelDtype;
}

/** What the options of loading must be. */
export const LOAD_RULES: Rules<LoadOptions> = {
  device: orNull(TEXT),
  seed: wholeNumber(),
  variant: TEXT,
  dtype: ANYTHING,
};
