import type { PixelImage } from '../core/pixel-image';
import { withoutUndefined } from '../core/without-undefined';
import type { PromptRecord } from '../rewards';
import type { ConsistencyReport } from './consistency-check';
import type { EvaluationReport } from './evaluate-policy';
import type { WorkersReport } from './rollout-workers';

/** What a step's updates report, whatever the objective. */
export interface UpdateReport {
  /** Updates of the weights, those that were skipped among them. With none of them `loss` and what else is a mean over them is NaN, and not in the log. */
  updates: number;
  loss: number;
  /** Length of the gradient before clipping, mean over the step's updates. */
  gradNorm: number;
  /** Updates that were left out because their gradient was not finite. */
  skippedUpdates: number;
  learningRate: number;
  /** Pictures that were left out because their log-probabilities are not finite. Left out where there are none. */
  skippedSamples?: number;
  /** 1 when the step was taken back, as something in it was not finite. */
  rolledBack?: number;
  /** What the objective reports, by verl-omni's names; means over the step's updates. */
  metrics: Record<string, number>;
}

/** What a training step on own rollouts says of itself, whatever its objective. */
export interface RolloutReport {
  /** From 1. */
  step: number;
  /** Since the training began. */
  seconds: number;
  /** Mean over the step's pictures that could be rated. */
  reward: number;
  /** Mean over the groups of the standard deviation within a group: what there is to learn from. */
  rewardStd: number;
  /** How much pictures of one prompt differ: see `pictureDiversity`. NaN with one picture a prompt. */
  diversity: number;
  /** Means of the rewards that the reward is the weighted sum of, by name. */
  rewardTerms: Record<string, number>;
  /** Ratings that failed. */
  rewardFailures: number;
  /** What rewards say of themselves, as `reward_cache/<name>/hits`; see `cachedReward`. */
  rewardMetrics: Record<string, number>;
  /** Means of the other rewards, by name. */
  monitors: Record<string, number>;
  /** What the rollout's workers did since the step before; null without workers. */
  workers: (WorkersReport & { staleness: number }) | null;
  /** null at steps without an evaluation. */
  evaluation: EvaluationReport | null;
  /** Where the step's time went; ratings that ran beside the rollout are part of it. */
  timings: { rolloutSeconds: number; rewardSeconds: number; updateSeconds: number };
  /** The step's pictures, group by group. */
  images: PixelImage[];
  /** The record that each picture was made from. */
  prompts: PromptRecord[];
  /** The reward of each picture; NaN for one that could not be rated. */
  rewards: number[];
}

/** What a step of an objective reports that learns from rollouts by their log-probabilities. */
export interface PolicyReport extends UpdateReport {
  /** Mean of exp(logProb - old logProb); 1 before the first update. */
  ratioMean: number;
  /** Share of the ratios that the clip cut, or of the steps that the loss dropped. */
  clipFraction: number;
  /** Mean of old logProb - logProb. */
  approxKl: number;
  /** Largest |ratio - 1| before the step's first update: how well the replay matches the rollout. */
  replayGap: number;
  /** How well the first rollout agreed with its replay, or each one of other programs; null at other steps. */
  consistency: ConsistencyReport | null;
  /** First step with noise and one past the last. */
  window: readonly [number, number];
}

/** What a step of FlowGRPO says of itself. */
export type StepReport = RolloutReport & PolicyReport;

/** The part of a report that goes into the log: numbers alone. */
export type LogLine = { step: number; seconds: number } & Record<string, number>;

/** What can be logged: a step on own rollouts, or on data that was there. */
export type LoggedReport = Pick<RolloutReport, 'step' | 'seconds'> &
  UpdateReport &
  Partial<RolloutReport> &
  Partial<PolicyReport>;

/**
 * The numbers of a report as one flat line; monitors stand under their own names, the parts of the reward under
 * `reward/<name>`, an evaluation under `evaluation/`. What a report does not have is left out.
 */
export function logLine(report: LoggedReport): LogLine {
  const {
    step,
    seconds,
    reward,
    rewardStd,
    diversity,
    rewardTerms = {},
    rewardFailures = 0,
  } = report;
  const { loss, ratioMean, clipFraction, approxKl, gradNorm, replayGap } = report;
  const { updates, skippedUpdates, skippedSamples, rolledBack } = report;
  const { monitors, learningRate, metrics, evaluation = null, timings = {} } = report;
  const { workers = null, rewardMetrics = {} } = report;
  const toMilliseconds = (value: number) => Math.round(value * 1000) / 1000;
  const line: Record<string, number | undefined> = {
    step,
    seconds: toMilliseconds(seconds),
    reward,
    rewardStd,
    ...monitors,
    ...under('reward/', rewardTerms),
    ...(Number.isNaN(diversity) ? {} : { diversity }),
    ...(updates > 0 ? { loss, ratioMean, clipFraction, approxKl, gradNorm, replayGap } : {}),
    learningRate,
    ...(rewardFailures > 0 ? { rewardFailures } : {}),
    ...(skippedUpdates > 0 ? { skippedUpdates } : {}),
    skippedSamples,
    rolledBack,
    ...metrics,
    ...rewardMetrics,
    ...(evaluation === null ? {} : evaluationLine(evaluation)),
    ...(workers === null ? {} : workersLine(workers)),
    ...Object.fromEntries(
      Object.entries<number>(timings).map(([name, value]) => [name, toMilliseconds(value)]),
    ),
  };
  return withoutUndefined(line) as LogLine;
}

/**
 * The numbers of an evaluation, as they stand in a line of the log.
 *
 * @example
 * evaluationLine({ reward: 0.5, terms: {}, exact: null, diversity: null }); // { 'evaluation/reward': 0.5 }
 */
export function evaluationLine({
  reward,
  terms,
  exact,
  diversity,
  failures = 0,
}: Pick<EvaluationReport, 'reward' | 'terms' | 'exact' | 'diversity'> &
  Partial<Pick<EvaluationReport, 'failures'>>): Record<string, number> {
  return under('evaluation/', {
    reward,
    ...terms,
    ...(failures > 0 ? { rewardFailures: failures } : {}),
    ...(exact && { exact: exact.share, ...under('exact/', exact.byKind) }),
    ...(diversity !== null && { diversity }),
  });
}

/** How old the weights of a rollout were, in steps, and what each worker did for it. */
function workersLine({
  staleness,
  requeued,
  duplicates,
  workers,
}: NonNullable<RolloutReport['workers']>): Record<string, number> {
  const each = workers.map(({ worker, ...numbers }) => under(`workers/${worker}/`, numbers));
  return Object.assign({ staleness, requeued, duplicates, workers: workers.length }, ...each);
}

function under(prefix: string, values: Record<string, number>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [`${prefix}${name}`, value]),
  );
}
