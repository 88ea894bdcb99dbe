import type { DiffuseOptions, RolloutOptions } from '../rollout-options';
import type { TokenRows } from '../rollout-request';

/** Options of `QwenImagePipelineWithLogProb.forward`. The request's sampling parameters go before them. */
export interface ForwardOptions extends RolloutOptions {
  /** Token ids of the prompts, with the template applied. */
  promptTokenIds?: TokenRows | null;
  /** 1 at tokens of `promptTokenIds` and 0 at padding. */
  promptMask?: TokenRows | null;
  negativePromptIds?: TokenRows | null;
  negativePromptMask?: TokenRows | null;
  /**
   * Scale of true classifier-free guidance; off at 1 and below. Default 4 where there are negative
   * prompts, and off without.
   */
  trueCfgScale?: number;
  /** Default: as many as `sigmas`, where they are given, else 50. */
  numInferenceSteps?: number;
  /** Noise levels before the shift. Default: N of them from 1 to 1/N. */
  sigmas?: readonly number[] | null;
  /** Distilled guidance: no effect, as transformers that embed it (`guidance_embeds`) are not loaded. Default 1. */
  guidanceScale?: number;
  /**
   * `scale` multiplies the transformer's adapters in this call. The replay does not know it: log-probabilities of a scaled
   * rollout are not those that training computes. Default null: as 1.
   */
  attentionKwargs?: { scale?: number } | null;
  /** Default 512. */
  maxSequenceLength?: number;
}

const OWN = {
  promptTokenIds: true,
  promptMask: true,
  negativePromptIds: true,
  negativePromptMask: true,
  attentionKwargs: true,
} satisfies Record<Exclude<keyof ForwardOptions, keyof RolloutOptions>, true>;

/** Names of the options that other pipelines do not have. */
export const OWN_OPTIONS: readonly string[] = Object.keys(OWN);

/** What Qwen-Image's `diffuse` may be given besides its arguments. */
export type QwenImageDiffuseOptions = DiffuseOptions & Pick<ForwardOptions, 'attentionKwargs'>;

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
