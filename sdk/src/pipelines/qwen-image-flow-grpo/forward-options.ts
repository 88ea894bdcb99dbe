import { keyGenerator, type Generator, type tf } from '../../tensorflow';
import type { RolloutRequest, TokenRows } from '../rollout-request';
import type { SdeWindow } from '../sde-window';

/** What comes back as the picture: bytes, packed latents, or (B, 3, H, W) from -1 to 1. */
export type OutputType = 'pil' | 'latent' | 'pt';

/** A step of the denoising loop, as a callback sees it. */
export interface DenoisedStep {
  /** From 0. */
  step: number;
  /** The time before the step, from 0 to 1000. */
  timestep: number;
  /** The tensors asked for by `callbackOnStepEndTensorInputs`. They are disposed afterwards: clone what is to stay. */
  tensors: Record<string, tf.Tensor>;
}

/** Options of `QwenImagePipelineWithLogProb.forward`. The request's sampling parameters go before them. */
export interface ForwardOptions {
  /** Token ids of the prompts, with the template applied. */
  promptTokenIds?: TokenRows | null;
  /** 1 at tokens of `promptTokenIds` and 0 at padding. */
  promptMask?: TokenRows | null;
  negativePromptIds?: TokenRows | null;
  negativePromptMask?: TokenRows | null;
  /** Scale of true classifier-free guidance; off at 1 and below, and without a negative prompt. Default 4. */
  trueCfgScale?: number;
  /** In pixels. Default: the pipeline's configuration. */
  height?: number | null;
  /** In pixels. Default: the pipeline's configuration. */
  width?: number | null;
  /** Default 50. */
  numInferenceSteps?: number;
  /** Noise levels before the shift. Default: N of them from 1 to 1/N. */
  sigmas?: readonly number[] | null;
  /** Distilled guidance, for transformers that embed it. Default 1. */
  guidanceScale?: number;
  /** Default 1. */
  numImagesPerPrompt?: number;
  /** One stream of random numbers, or one for each picture. Default: the pipeline's own stream. */
  generator?: Generator | readonly Generator[] | null;
  /** Packed initial latents (B, S, C). Default: drawn. */
  latents?: tf.Tensor | null;
  /** (B, L, D); bypasses the text encoder. */
  promptEmbeds?: tf.Tensor | null;
  /** (B, L) */
  promptEmbedsMask?: tf.Tensor | null;
  negativePromptEmbeds?: tf.Tensor | null;
  negativePromptEmbedsMask?: tf.Tensor | null;
  /** Default 'pil'. */
  outputType?: OutputType | null;
  /** Passed to the transformer. */
  attentionKwargs?: Record<string, unknown> | null;
  /** What `callbackOnStepEnd` gets to see: 'latents', 'prompt_embeds', 'negative_prompt_embeds'. Default ['latents']. */
  callbackOnStepEndTensorInputs?: readonly string[];
  /** Longest prompt in tokens; the rest is cut off. Default 512. */
  maxSequenceLength?: number;
  /** eta within the window. Default 0.7. */
  noiseLevel?: number;
  /** Steps that get noise; null for all but the last. Default null. */
  sdeWindowSize?: number | null;
  /** Where the window may lie. Default [0, 5]. */
  sdeWindowRange?: SdeWindow;
  /** 'sde' (default), 'cps', or another transition. */
  sdeType?: string;
  /** Whether to compute log-probabilities. Default true. */
  logprobs?: boolean;
  /** Called after each denoising step; a promise is waited for. */
  callbackOnStepEnd?: ((step: DenoisedStep) => void | Promise<void>) | null;
  /** Run the transformer as one compiled graph: slow at the first batch of a shape, fast after it. Default false. */
  compile?: boolean;
  /** 'verl-omni' lets every row with a generator of its own draw its own window. Default null. */
  compat?: 'verl-omni' | null;
  /** Stops the loop between steps. Default: the running cell's signal. */
  signal?: AbortSignal | null;
}

/** The defaults of `forward`'s options. */
export const FORWARD_DEFAULTS = {
  promptTokenIds: null,
  promptMask: null,
  negativePromptIds: null,
  negativePromptMask: null,
  trueCfgScale: 4,
  height: null,
  width: null,
  numInferenceSteps: 50,
  sigmas: null,
  guidanceScale: 1,
  numImagesPerPrompt: 1,
  generator: null,
  latents: null,
  promptEmbeds: null,
  promptEmbedsMask: null,
  negativePromptEmbeds: null,
  negativePromptEmbedsMask: null,
  outputType: 'pil',
  attentionKwargs: null,
  callbackOnStepEndTensorInputs: ['latents'],
  maxSequenceLength: 512,
  noiseLevel: 0.7,
  sdeWindowSize: null,
  sdeWindowRange: [0, 5],
  sdeType: 'sde',
  logprobs: true,
} as const satisfies ForwardOptions;

/** What a call of `forward` goes by, once request, options and configuration are put together. */
export interface RolloutSettings {
  height: number;
  width: number;
  steps: number;
  sigmas: readonly number[] | null;
  trueCfgScale: number;
  guidanceScale: number;
  imagesPerPrompt: number;
  maxSequenceLength: number;
  outputType: OutputType;
  noiseLevel: number;
  windowSize: number | null;
  windowRange: SdeWindow;
  sdeType: string;
  logprobs: boolean;
  generator: Generator | readonly Generator[];
}

/**
 * Puts a request and the call's options together. The request goes first; size falls back to the
 * pipeline's configuration.
 */
export function resolveSettings(
  { sampling_params }: RolloutRequest,
  options: ForwardOptions,
  fallback: { height: number; width: number; generator: Generator },
): RolloutSettings {
  const asked = sampling_params ?? {};
  const extra = asked.extra_args ?? {};
  const given = { ...FORWARD_DEFAULTS, ...withoutUndefined(options) } as Required<ForwardOptions>;
  const outputType = asked.output_type || given.outputType || FORWARD_DEFAULTS.outputType;
  if (!['pil', 'latent', 'pt'].includes(outputType)) {
    throw new Error(
      `Cannot make pictures as the output type must be pil, latent or pt: current value is ${outputType}`,
    );
  }
  const guidance = asked.guidance_scale_provided === false ? null : asked.guidance_scale;
  const seeded = asked.seed === null || asked.seed === undefined ? null : keyGenerator(asked.seed);
  return {
    height: asked.height || given.height || fallback.height,
    width: asked.width || given.width || fallback.width,
    steps: asked.num_inference_steps || given.numInferenceSteps,
    sigmas: asked.sigmas ?? given.sigmas,
    trueCfgScale: asked.true_cfg_scale ?? given.trueCfgScale,
    guidanceScale: guidance ?? given.guidanceScale,
    imagesPerPrompt: asked.num_outputs_per_prompt || given.numImagesPerPrompt,
    maxSequenceLength: asked.max_sequence_length || given.maxSequenceLength,
    outputType: outputType as OutputType,
    noiseLevel: extra.noise_level ?? given.noiseLevel,
    windowSize: extra.sde_window_size ?? given.sdeWindowSize,
    windowRange: extra.sde_window_range ?? given.sdeWindowRange,
    sdeType: extra.sde_type ?? given.sdeType,
    logprobs: extra.logprobs ?? given.logprobs,
    generator: asked.generator ?? seeded ?? given.generator ?? fallback.generator,
  };
}

function withoutUndefined<Options extends object>(options: Options): Partial<Options> {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as Partial<Options>;
}
