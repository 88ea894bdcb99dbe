import { PROMPT_KINDS, type EvaluationOptions, type EvaluationReport } from '@flowbook/sdk';
import { heldOutPrompts } from './prompts';

/** Noise seeds of each held-out prompt: with 124 prompts, 1,116 pictures. */
const PICTURES_PER_PROMPT = 9;

/** The evaluation that `before`, `after` and `control` share. Fixed before any run was made. */
export function heldOutEvaluation(): EvaluationOptions {
  return {
    prompts: heldOutPrompts(),
    picturesPerPrompt: PICTURES_PER_PROMPT,
    reward: 'shapes',
    verdict: 'shapes_exact',
    numInferenceSteps: 10,
    trueCfgScale: 1,
    guidanceScale: 1,
    seed: 20_261,
  };
}

/** The evaluation of the curve: two pictures for each prompt. */
export function curveEvaluation(everySteps: number): EvaluationOptions {
  return { ...heldOutEvaluation(), picturesPerPrompt: 2, everySteps, beforeTraining: true };
}

/** What an evaluation of held-out prompts found. */
export interface HeldOut {
  /** Share of right pictures. */
  accuracy: number;
  byKind: Record<string, number>;
  pictures: number;
}

const rounded = (value: number) => Math.round(value * 1e4) / 1e4;

export function heldOutOf({ exact, images }: Pick<EvaluationReport, 'exact' | 'images'>): HeldOut {
  if (exact === null) throw new Error('Cannot count right pictures as nothing judged them');
  const kinds = PROMPT_KINDS.filter((kind) => exact.byKind[kind] !== undefined);
  return {
    accuracy: rounded(exact.share),
    byKind: Object.fromEntries(kinds.map((kind) => [kind, rounded(exact.byKind[kind])])),
    pictures: images.length,
  };
}
