import type { PixelImage } from '../core/pixel-image';
import type { PromptRecord } from '../rewards';
import type { ConsistencyReport } from './consistency-check';
import type { EvaluationReport } from './evaluate-policy';

/** What a training step says of itself. */
export interface StepReport {
  /** From 1. */
  step: number;
  /** Since the training began. */
  seconds: number;
  /** Mean over the step's pictures that could be rated. */
  reward: number;
  /** Mean over the groups of the standard deviation within a group: what there is to learn from. */
  rewardStd: number;
  /** Means of the rewards that the reward is the weighted sum of, by name. */
  rewardTerms: Record<string, number>;
  /** Ratings that failed. */
  rewardFailures: number;
  /** Means of the other rewards, by name. */
  monitors: Record<string, number>;
  loss: number;
  /** Mean of exp(logProb - old logProb); 1 before the first update. */
  ratioMean: number;
  /** Share of the ratios that the clip cut, or of the steps that the loss dropped. */
  clipFraction: number;
  /** Mean of old logProb - logProb. */
  approxKl: number;
  /** Length of the gradient before clipping, mean over the step's updates. */
  gradNorm: number;
  /** Updates that were left out because their gradient was not finite. */
  skippedUpdates: number;
  learningRate: number;
  /** Largest |ratio - 1| before the step's first update: how well the replay matches the rollout. */
  replayGap: number;
  /** What the losses and the correction of the rollout report, by verl-omni's names; means over the step's updates. */
  metrics: Record<string, number>;
  /** How well the first rollout agreed with its replay; null after the first step. */
  consistency: ConsistencyReport | null;
  /** null at steps without an evaluation. */
  evaluation: EvaluationReport | null;
  /** First step with noise and one past the last. */
  window: readonly [number, number];
  /** Where the step's time went. */
  timings: { rolloutSeconds: number; rewardSeconds: number; updateSeconds: number };
  /** The step's pictures, group by group. */
  images: PixelImage[];
  /** The record that each picture was made from. */
  prompts: PromptRecord[];
  /** The reward of each picture; NaN for one that could not be rated. */
  rewards: number[];
}

/** The part of a report that goes into the log: numbers alone. */
export type LogLine = { step: number; seconds: number; reward: number } & Record<string, number>;

/**
 * The numbers of a report as one flat line; monitors stand under their own names, the parts of the reward under
 * `reward/<name>`, an evaluation under `evaluation/`.
 */
export function logLine(report: StepReport): LogLine {
  const { step, seconds, reward, rewardStd, rewardTerms, rewardFailures, monitors } = report;
  const { loss, ratioMean, clipFraction, approxKl, gradNorm, replayGap, skippedUpdates } = report;
  const { learningRate, metrics, evaluation, timings } = report;
  const toMilliseconds = (value: number) => Math.round(value * 1000) / 1000;
  return {
    step,
    seconds: toMilliseconds(seconds),
    reward,
    rewardStd,
    ...monitors,
    ...under('reward/', rewardTerms),
    loss,
    ratioMean,
    clipFraction,
    approxKl,
    gradNorm,
    replayGap,
    learningRate,
    ...(rewardFailures > 0 ? { rewardFailures } : {}),
    ...(skippedUpdates > 0 ? { skippedUpdates } : {}),
    ...metrics,
    ...(evaluation === null
      ? {}
      : under('evaluation/', { reward: evaluation.reward, ...evaluation.terms })),
    ...Object.fromEntries(
      Object.entries(timings).map(([name, value]) => [name, toMilliseconds(value)]),
    ),
  };
}

function under(prefix: string, values: Record<string, number>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [`${prefix}${name}`, value]),
  );
}
