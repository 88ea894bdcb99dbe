import {
  ANYTHING,
  checkOptions,
  COMPAT,
  FUNCTION,
  listOf,
  number,
  optionsAmong,
  orNull,
  record,
  SIGNAL,
  wholeNumber,
} from '../core/option-rules';
import type { Rules } from '../core/option-rules';
import type { RolloutOptions } from './rollout-options';
import type { RolloutRequest, SamplingParams } from './rollout-request';

const POSITIVE = wholeNumber(1);
/** 0 counts as not given. */
const COUNT = orNull(wholeNumber(0));
const RANGE = orNull(listOf(wholeNumber(), { length: 2, words: 'a list of two steps' }));

const REQUEST_RULES: Rules<
  Pick<
    SamplingParams,
    | 'height'
    | 'width'
    | 'num_inference_steps'
    | 'max_sequence_length'
    | 'num_outputs_per_prompt'
    | 'true_cfg_scale'
    | 'guidance_scale'
    | 'extra_args'
  >
> = {
  height: COUNT,
  width: COUNT,
  num_inference_steps: COUNT,
  max_sequence_length: COUNT,
  // What is not positive counts as not given.
  num_outputs_per_prompt: orNull(wholeNumber()),
  true_cfg_scale: orNull(number()),
  guidance_scale: orNull(number()),
  extra_args: orNull(record({ sde_window_range: RANGE })),
};

/** What the options of every pipeline's `forward` must be; what holds tensors has its rules where it is used. */
const RULES: Rules<RolloutOptions> = {
  height: COUNT,
  width: COUNT,
  numInferenceSteps: POSITIVE,
  maxSequenceLength: POSITIVE,
  numImagesPerPrompt: POSITIVE,
  trueCfgScale: number(),
  guidanceScale: number(),
  sigmas: ANYTHING,
  generator: ANYTHING,
  latents: ANYTHING,
  promptEmbeds: ANYTHING,
  promptEmbedsMask: ANYTHING,
  pooledPromptEmbeds: ANYTHING,
  negativePromptEmbeds: ANYTHING,
  negativePromptEmbedsMask: ANYTHING,
  negativePooledPromptEmbeds: ANYTHING,
  outputType: ANYTHING,
  callbackOnStepEndTensorInputs: ANYTHING,
  noiseLevel: ANYTHING,
  sdeWindowSize: ANYTHING,
  sdeWindowRange: RANGE,
  sdeType: ANYTHING,
  logprobs: ANYTHING,
  callbackOnStepEnd: orNull(FUNCTION),
  onDenoised: orNull(FUNCTION),
  compile: ANYTHING,
  compat: COMPAT,
  signal: orNull(SIGNAL),
};

/**
 * Checks a call of `forward`.
 *
 * @param ownOptions Names of the pipeline's own options; null: any other may be one.
 * @throws When there is no such option or a number breaks its rule; the message names it.
 */
export function checkRollout(
  { sampling_params }: RolloutRequest,
  options: RolloutOptions,
  ownOptions: readonly string[] | null,
): void {
  const request = { sampling_params: orNull(record(REQUEST_RULES)) };
  checkOptions('make pictures', { sampling_params }, request);
  const own = Object.fromEntries((ownOptions ?? []).map((name) => [name, ANYTHING]));
  const checked = ownOptions === null ? optionsAmong(options, RULES) : options;
  checkOptions('make pictures', checked, { ...own, ...RULES });
}

/**
 * Checks the size of pictures.
 *
 * @param multiple What height and width must be multiples of, in pixels.
 * @param options.roundsDown Whether what is left over is cut off instead.
 */
export function checkMultiples(
  { height, width }: { height: number; width: number },
  multiple: number,
  { roundsDown = false } = {},
): void {
  const fits = (side: number) => side >= multiple && (roundsDown || side % multiple === 0);
  if (!fits(height) || !fits(width)) {
    const rule = roundsDown ? `at least ${multiple}` : `multiples of ${multiple}`;
    throw new Error(
      `Cannot make pictures as height and width must be ${rule}: current values are ${height} and ${width}`,
    );
  }
}

/** Checks what prompts are embedded by. */
export function checkEncoding(prompts: number, maxSequenceLength: number): void {
  if (prompts === 0) {
    throw new Error('Cannot embed prompts as there must be at least one: current number is 0');
  }
  checkOptions('embed prompts', { maxSequenceLength }, { maxSequenceLength: POSITIVE });
}
