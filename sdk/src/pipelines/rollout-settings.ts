import type { SdeWindow } from '../schedulers';
import { keyGenerator, torchGenerator, type Generator } from '../tensorflow';
import { checkOptions, number, TEXT } from '../core/option-rules';
import { withoutUndefined } from '../core/without-undefined';
import { transitions } from '../schedulers';
import type { OutputType, RolloutOptions } from './rollout-options';
import type { RolloutRequest } from './rollout-request';

/** Options that have a default in every pipeline. */
export type RolloutDefaults = Required<
  Pick<
    RolloutOptions,
    | 'trueCfgScale'
    | 'numInferenceSteps'
    | 'guidanceScale'
    | 'numImagesPerPrompt'
    | 'maxSequenceLength'
    | 'noiseLevel'
    | 'sdeWindowSize'
    | 'sdeWindowRange'
    | 'sdeType'
    | 'logprobs'
  >
> & { outputType: OutputType; sdeWindowRange: SdeWindow };

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

const OUTPUT_TYPES: readonly string[] = [
  'pil',
  'image',
  'latent',
  'pt',
  'both',
] satisfies OutputType[];

/**
 * Denoising steps of a call: the number that was asked for, else one for each of the sigmas, else `defaultSteps`.
 */
export function inferenceSteps(
  { sampling_params }: RolloutRequest,
  options: RolloutOptions,
  defaultSteps: number,
): number {
  const asked = sampling_params?.num_inference_steps || options.numInferenceSteps;
  return asked || (sigmasOf(sampling_params, options)?.length ?? defaultSteps);
}

function sigmasOf(
  asked: RolloutRequest['sampling_params'],
  options: RolloutOptions,
): readonly number[] | null {
  return filled(asked?.sigmas) ?? filled(options.sigmas);
}

/** How many pictures a request makes of each prompt: a number that is not positive counts as not given. */
export function imagesPerPrompt(
  { sampling_params }: RolloutRequest,
  options: RolloutOptions,
): number {
  const asked = sampling_params?.num_outputs_per_prompt ?? 0;
  return asked > 0 ? asked : (options.numImagesPerPrompt ?? 1);
}

/** The stream that a request brings: its generator, or one made from its seed. */
export function requestGenerator(
  { sampling_params }: RolloutRequest,
  compat: RolloutOptions['compat'],
): Generator | readonly Generator[] | null {
  const { generator = null, seed = null } = sampling_params ?? {};
  if (generator !== null || seed === null) return generator;
  return compat === 'verl-omni' ? torchGenerator(seed) : keyGenerator(seed);
}

/**
 * Puts a request and the call's options together. The request goes first: where verl-omni takes any
 * value but null (noise, window, log-probabilities, true guidance), 0 and false count as given; where it
 * takes any value that is true (steps, sigmas, lengths, output type), 0 and empty lists do not.
 * Size falls back to the pipeline's configuration.
 *
 * @throws When the output type or the transition is unknown, or the noise level is none.
 */
export function resolveSettings(
  request: RolloutRequest,
  options: RolloutOptions,
  defaults: RolloutDefaults,
  fallback: { height: number; width: number; generator: Generator },
): RolloutSettings {
  const asked = request.sampling_params ?? {};
  const extra = asked.extra_args ?? {};
  const compat = options.compat ?? null;
  const given = { ...defaults, ...withoutUndefined(options) } as RolloutDefaults & RolloutOptions;
  const outputType =
    asked.output_type || extra.output_type || given.outputType || defaults.outputType;
  if (typeof outputType !== 'string' || !OUTPUT_TYPES.includes(outputType)) {
    throw new Error(
      `Cannot make pictures as the output type must be one of ${OUTPUT_TYPES.join(', ')}: current value is ${String(outputType)}`,
    );
  }
  const guidance = asked.guidance_scale_provided === false ? null : asked.guidance_scale;
  // verl-omni sizes pictures by the request or the model alone.
  const size: Pick<RolloutOptions, 'height' | 'width'> = compat === 'verl-omni' ? {} : given;
  const noise = {
    noiseLevel: extra.noise_level ?? given.noiseLevel,
    sdeType: extra.sde_type ?? given.sdeType,
  };
  checkOptions('make pictures', noise, { noiseLevel: number({ least: 0 }), sdeType: TEXT });
  transitions.get(noise.sdeType);
  return {
    ...noise,
    height: asked.height || size.height || fallback.height,
    width: asked.width || size.width || fallback.width,
    steps: inferenceSteps(request, options, defaults.numInferenceSteps),
    sigmas: sigmasOf(asked, options),
    trueCfgScale: asked.true_cfg_scale ?? given.trueCfgScale,
    guidanceScale: guidance ?? given.guidanceScale,
    imagesPerPrompt: imagesPerPrompt(request, given),
    maxSequenceLength: asked.max_sequence_length || given.maxSequenceLength,
    outputType: outputType as OutputType,
    windowSize: extra.sde_window_size ?? given.sdeWindowSize,
    windowRange: extra.sde_window_range ?? given.sdeWindowRange ?? defaults.sdeWindowRange,
    logprobs: extra.logprobs ?? given.logprobs,
    generator: requestGenerator(request, compat) ?? given.generator ?? fallback.generator,
  };
}

/** Null for an empty list. */
function filled(values: readonly number[] | null | undefined): readonly number[] | null {
  return values && values.length > 0 ? values : null;
}
