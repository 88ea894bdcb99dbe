import { RandomKey } from '../core/random-key';
import { mean } from '../core/statistics';
import type { PixelImage } from '../core/pixel-image';
import type { PromptRecord, RewardFunction, RewardTerms } from '../rewards';
import { rolloutGroups, type RolloutGroupsOptions } from './rollout-groups';
import { scoreStep } from './score-step';
import type { TrainablePipeline } from './trainable-pipeline';

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
  /** The noise follows from it, so that evaluations can be compared. Default 42. */
  seed?: number;
}

/** What an evaluation found. */
export interface EvaluationReport {
  /** Mean over the pictures. */
  reward: number;
  /** Means of the rewards that the sum is made of, by name. */
  terms: Record<string, number>;
  /** Whether the mean of the weights was evaluated in the weights' place. */
  usesAverage: boolean;
  images: PixelImage[];
  /** The record that each picture was made from. */
  prompts: PromptRecord[];
  /** The reward of each picture. */
  rewards: number[];
}

/** What evaluation takes over from training. */
export type EvaluationDefaults = Pick<
  RolloutGroupsOptions,
  | 'numInferenceSteps'
  | 'trueCfgScale'
  | 'guidanceScale'
  | 'negativePrompt'
  | 'microBatchSize'
  | 'compile'
  | 'padTokensTo'
> & { reward: string | RewardFunction | RewardTerms };

/**
 * Makes pictures without noise between the steps (the ODE) and rates them. Same prompts and seed, same pictures for the
 * same weights.
 */
export async function evaluatePolicy(
  pipeline: TrainablePipeline,
  { prompts, picturesPerPrompt = 1, seed = 42, ...own }: EvaluationOptions,
  { reward, ...rollout }: EvaluationDefaults,
  signal: AbortSignal | null,
): Promise<Omit<EvaluationReport, 'usesAverage'>> {
  const records = prompts.map((prompt) => (typeof prompt === 'string' ? { prompt } : prompt));
  const batch = await rolloutGroups(pipeline, records, {
    ...rollout,
    numInferenceSteps: own.numInferenceSteps ?? rollout.numInferenceSteps,
    trueCfgScale: own.trueCfgScale ?? rollout.trueCfgScale,
    guidanceScale: own.guidanceScale ?? rollout.guidanceScale,
    key: RandomKey.fromSeed(seed).fold('evaluation'),
    groupSize: picturesPerPrompt,
    sameInitialNoise: false,
    noiseLevel: 0,
    window: [0, 1],
    signal,
  });
  try {
    const scored = await scoreStep(
      batch,
      { reward: own.reward ?? reward, rewardNormalization: null, onRewardFailure: 'drop' },
      signal,
    );
    return {
      reward: mean(scored.rated.map((row) => scored.rewards[row])),
      terms: scored.terms,
      images: batch.images,
      prompts: batch.prompts,
      rewards: scored.rewards,
    };
  } finally {
    batch.dispose();
  }
}
