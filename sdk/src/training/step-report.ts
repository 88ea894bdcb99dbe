import type { PixelImage } from '../core/pixel-image';
import type { PromptRecord } from '../rewards';

/** What a training step says of itself. */
export interface StepReport {
  /** From 1. */
  step: number;
  /** Since the training began. */
  seconds: number;
  /** Mean over the step's pictures. */
  reward: number;
  /** Mean over the groups of the standard deviation within a group: what there is to learn from. */
  rewardStd: number;
  /** Means of the other rewards, by name. */
  monitors: Record<string, number>;
  loss: number;
  /** Mean of exp(logProb - old logProb); 1 before the first update. */
  ratioMean: number;
  /** Share of the ratios that the clip cut. */
  clipFraction: number;
  /** Mean of old logProb - logProb. */
  approxKl: number;
  /** Length of the gradient before clipping, mean over the step's updates. */
  gradNorm: number;
  /** Largest |ratio - 1| before the step's first update: how well the replay matches the rollout. */
  replayGap: number;
  /** First step with noise and one past the last. */
  window: readonly [number, number];
  /** Where the step's time went. */
  timings: { rolloutSeconds: number; rewardSeconds: number; updateSeconds: number };
  /** The step's pictures, group by group. */
  images: PixelImage[];
  /** The record that each picture was made from. */
  prompts: PromptRecord[];
  /** The reward of each picture. */
  rewards: number[];
}

/** The part of a report that goes into the log: numbers alone. */
export type LogLine = { step: number; seconds: number; reward: number } & Record<string, number>;

/** The numbers of a report as one flat line; monitors stand under their own names. */
export function logLine(report: StepReport): LogLine {
  const { step, seconds, reward, rewardStd, monitors, timings } = report;
  const { loss, ratioMean, clipFraction, approxKl, gradNorm, replayGap } = report;
  return {
    step,
    seconds: Math.round(seconds * 1000) / 1000,
    reward,
    rewardStd,
    ...monitors,
    loss,
    ratioMean,
    clipFraction,
    approxKl,
    gradNorm,
    replayGap,
    ...Object.fromEntries(
      Object.entries(timings).map(([name, value]) => [name, Math.round(value * 1000) / 1000]),
    ),
  };
}
