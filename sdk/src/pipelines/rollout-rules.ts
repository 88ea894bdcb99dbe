import { checkOptions, listOf, number, orNull, record, wholeNumber } from '../core/option-rules';
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

/** What is checked of a call; the rest has its rules where it is used, or is an architecture's own. */
type Checked = Pick<
  RolloutOptions,
  | 'height'
  | 'width'
  | 'numInferenceSteps'
  | 'maxSequenceLength'
  | 'numImagesPerPrompt'
  | 'trueCfgScale'
  | 'guidanceScale'
  | 'sdeWindowRange'
> &
  Pick<RolloutRequest, 'sampling_params'>;

const RULES: Rules<Checked> = {
  sampling_params: orNull(record(REQUEST_RULES)),
  height: COUNT,
  width: COUNT,
  numInferenceSteps: POSITIVE,
  maxSequenceLength: POSITIVE,
  numImagesPerPrompt: POSITIVE,
  trueCfgScale: number(),
  guidanceScale: number(),
  sdeWindowRange: RANGE,
};

/**
 * Checks the numbers of a call of `forward`.
 *
 * @throws When one breaks its rule; the message names it.
 */
export function checkRollout(
  { sampling_params }: RolloutRequest,
  options: Omit<Checked, 'sampling_params'>,
): void {
  const given = { ...options, sampling_params } as Record<string, unknown>;
  const checked = Object.fromEntries(Object.keys(RULES).map((name) => [name, given[name]]));
  checkOptions<Checked>('make pictures', checked, RULES);
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
