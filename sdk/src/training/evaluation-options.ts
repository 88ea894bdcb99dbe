import {
  number,
  orNull,
  required,
  SWITCH,
  TEXT,
  wholeNumber,
  type Rules,
} from '../core/option-rules';
import type { PromptRecord, RewardFunction, RewardTerms } from '../rewards';
import { PROMPTS, REWARD, REWARDS } from './material-rules';

/** How a model is evaluated. */
export interface EvaluationOptions {
  /** What to make pictures of: texts, or records of a data set. */
  prompts: readonly (string | PromptRecord)[];
  /** Training steps between two evaluations. Default 10. */
  everySteps?: number;
  /** Pictures for each prompt, from different noise. Default 1. */
  picturesPerPrompt?: number;
  /** Denoising steps. Default: as in training. */
  numInferenceSteps?: number;
  /** Scale of Qwen-Image's true classifier-free guidance. Default: as in training. */
  trueCfgScale?: number;
  /** Scale of Stable Diffusion 3's guidance, or of distilled guidance. Default: as in training. */
  guidanceScale?: number | null;
  /** A registered reward, a function, or several by name. Default: as in training. */
  reward?: string | RewardFunction | RewardTerms;
  /** Judges pictures as right (above 0.5) or not, beside the reward, such as 'shapes_exact'. Default: nothing does. */
  verdict?: string | RewardFunction | null;
  /** The prompts' field that kinds are told apart by. Default 'kind'. */
  kindField?: string;
  /** The noise follows from it, so that evaluations can be compared. Default 42. */
  seed?: number;
  /** Evaluate before the first step as well. Default false. */
  beforeTraining?: boolean;
  /** Pictures, the first of each prompt, that a run's folder keeps of an evaluation. Default 8. */
  picturesKept?: number;
}

/** Steps between two evaluations when nothing else is said. */
const EVERY_STEPS = 10;

/** Whether a step ends with an evaluation. */
export function isEvaluationDue(evaluation: EvaluationOptions | null, step: number): boolean {
  return evaluation !== null && step > 0 && step % (evaluation.everySteps ?? EVERY_STEPS) === 0;
}

const COUNT = wholeNumber(1);

/** What the options of an evaluation must be. */
export const EVALUATION_RULES: Rules<EvaluationOptions> = {
  prompts: required(PROMPTS),
  everySteps: orNull(COUNT),
  picturesPerPrompt: COUNT,
  numInferenceSteps: orNull(COUNT),
  trueCfgScale: orNull(number()),
  guidanceScale: orNull(number()),
  reward: orNull(REWARDS),
  verdict: orNull(REWARD),
  kindField: TEXT,
  seed: wholeNumber(),
  beforeTraining: orNull(SWITCH),
  picturesKept: orNull(wholeNumber(0)),
};
