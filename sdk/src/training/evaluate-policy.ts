import { checkOptions, orNull, required, type Rules } from '../core/option-rules';
import { RandomKey } from '../core/random-key';
import { mean } from '../core/statistics';
import type { PixelImage } from '../core/pixel-image';
import { scoreRewards, type PromptRecord, type RewardFunction, type RewardTerms } from '../rewards';
import { EVALUATION_RULES, type EvaluationOptions } from './evaluation-options';
import { REWARDS, TIME_LIMIT } from './material-rules';
import { rolloutGroups, ROLLOUT_GROUPS_RULES, type RolloutGroupsOptions } from './rollout-groups';
import { pictureDiversity } from './picture-diversity';
import { scoreStep } from './score-step';
import type { TrainablePipeline } from './trainable-pipeline';

/** What an evaluation found. */
export interface EvaluationReport {
  /** Mean over the pictures that could be rated. */
  reward: number;
  /** Ratings that failed: their pictures are left out of the mean. */
  failures: number;
  /** Means of the rewards that the sum is made of, by name. */
  terms: Record<string, number>;
  /** Share of right pictures, over all and by kind of prompt; null without a `verdict`. */
  exact: { share: number; byKind: Record<string, number> } | null;
  /** How much pictures of one prompt differ, see `pictureDiversity`; null with one picture a prompt. */
  diversity: number | null;
  /** Whether the mean of the weights was evaluated in the weights' place. */
  usesAverage: boolean;
  images: PixelImage[];
  /** The record that each picture was made from. */
  prompts: PromptRecord[];
  /** Number of each picture's prompt. */
  groups: number[];
  /** The reward of each picture. */
  rewards: number[];
  /** Whether each picture is right; null without a `verdict`. */
  verdicts: boolean[] | null;
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
> & { reward: string | RewardFunction | RewardTerms; rewardTimeoutMs?: number | null };

const ROLLOUT = ROLLOUT_GROUPS_RULES;

/** What evaluation takes over must be. */
export const EVALUATION_DEFAULT_RULES: Rules<EvaluationDefaults> = {
  numInferenceSteps: ROLLOUT.numInferenceSteps,
  trueCfgScale: ROLLOUT.trueCfgScale,
  guidanceScale: ROLLOUT.guidanceScale,
  negativePrompt: ROLLOUT.negativePrompt,
  microBatchSize: ROLLOUT.microBatchSize,
  compile: ROLLOUT.compile,
  padTokensTo: ROLLOUT.padTokensTo,
  reward: required(REWARDS),
  rewardTimeoutMs: orNull(TIME_LIMIT),
};

/**
 * Makes pictures without noise between the steps (the ODE) and rates them. Same prompts and seed, same pictures for the
 * same weights.
 *
 * @throws When there is no such option or one breaks its rule, and when no picture could be rated.
 */
export async function evaluatePolicy(
  pipeline: TrainablePipeline,
  options: EvaluationOptions,
  defaults: EvaluationDefaults,
  signal: AbortSignal | null,
): Promise<Omit<EvaluationReport, 'usesAverage'>> {
  checkOptions('evaluate', options, EVALUATION_RULES);
  checkOptions('evaluate', defaults, EVALUATION_DEFAULT_RULES);
  const { reward, rewardTimeoutMs, ...rollout } = defaults;
  const { prompts, picturesPerPrompt = 1, seed = 42, ...own } = options;
  const { verdict = null, kindField = 'kind' } = own;
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
      {
        reward: own.reward ?? reward,
        rewardNormalization: null,
        onRewardFailure: 'drop',
        rewardTimeoutMs,
      },
      signal,
    );
    if (scored.failures > 0) {
      process.stderr.write(
        `evaluation: ${scored.failures} of the ratings of ${batch.size} pictures failed: ${scored.reasons}: left out\n`,
      );
    }
    const verdicts =
      verdict === null
        ? null
        : (
            await scoreRewards(verdict, batch.images, batch.prompts, {
              signal,
              timeoutMs: rewardTimeoutMs,
            })
          ).map((value) => value > 0.5);
    return {
      exact: verdicts && exactShares(verdicts, batch.prompts, kindField),
      diversity: picturesPerPrompt > 1 ? pictureDiversity(batch.images, batch.groups) : null,
      verdicts,
      reward: mean(scored.rated.map((row) => scored.rewards[row])),
      failures: scored.failures,
      terms: scored.terms,
      images: batch.images,
      prompts: batch.prompts,
      groups: batch.groups,
      rewards: scored.rewards,
    };
  } finally {
    batch.dispose();
  }
}

/** Shares of right pictures; prompts without the field count among all alone. */
function exactShares(
  verdicts: readonly boolean[],
  prompts: readonly PromptRecord[],
  kindField: string,
): EvaluationReport['exact'] {
  const shareOf = (rows: readonly number[]) => mean(rows.map((row) => Number(verdicts[row])));
  const rows = new Map<string, number[]>();
  prompts.forEach(({ [kindField]: kind }, row) => {
    if (kind === undefined || kind === null) return;
    rows.set(String(kind), [...(rows.get(String(kind)) ?? []), row]);
  });
  return {
    share: shareOf(verdicts.map((_, row) => row)),
    byKind: Object.fromEntries([...rows].map(([kind, of]) => [kind, shareOf(of)])),
  };
}
