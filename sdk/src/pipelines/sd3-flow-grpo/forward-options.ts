import type { RolloutOptions } from '../rollout-options';

/** Options of `StableDiffusion3PipelineWithLogProb.forward`. The request's sampling parameters go before them. */
export interface SD3ForwardOptions extends RolloutOptions {
  /** One prompt, or one for each picture, for a request that brings none. */
  prompt?: string | readonly string[] | null;
  /** What guidance leads away from. Default ''. */
  negativePrompt?: string | readonly string[] | null;
  /** Scale of classifier-free guidance; off at 1 and below. Default 0. */
  guidanceScale?: number;
  /** Default: as many as `sigmas`, where they are given, else 28. */
  numInferenceSteps?: number;
  /** Noise levels before the shift. Default: the scheduler's own. */
  sigmas?: readonly number[] | null;
  /** Tokens of T5, padding included. Default 256. */
  maxSequenceLength?: number;
}

const OWN = {
  prompt: true,
  negativePrompt: true,
} satisfies Record<Exclude<keyof SD3ForwardOptions, keyof RolloutOptions>, true>;

/** Names of the options that other pipelines do not have. */
export const OWN_OPTIONS: readonly string[] = Object.keys(OWN);

/** The defaults of `forward`'s options. */
export const SD3_FORWARD_DEFAULTS = {
  prompt: null,
  negativePrompt: null,
  height: null,
  width: null,
  numInferenceSteps: 28,
  sigmas: null,
  guidanceScale: 0,
  trueCfgScale: 1,
  numImagesPerPrompt: 1,
  generator: null,
  latents: null,
  maxSequenceLength: 256,
  noiseLevel: 0.7,
  sdeWindowSize: null,
  sdeWindowRange: [0, 5],
  sdeType: 'sde',
  logprobs: true,
  outputType: 'image',
} as const satisfies SD3ForwardOptions;
