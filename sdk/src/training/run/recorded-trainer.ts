import type { EvaluationOptions } from '../evaluation-options';
import type { RolloutWorkers } from '../rollout-workers';
import type { LoggedReport } from '../step-report';
import type { TrainerState } from '../trainer-state';
import type { TrainerPosition } from '../weight-trainer';
import type { describeSettings } from './describe-settings';

/** What is recorded: every trainer is one. */
export interface RecordedTrainer {
  readonly settings: Parameters<typeof describeSettings>[0] & {
    steps: number;
    seed: number;
    evaluation: EvaluationOptions | null;
    microBatchSize: number;
    clipRatio?: number;
    rolloutWorkers?: RolloutWorkers | null;
    maxStaleness?: number;
    klLossCoef?: number;
    refKlCoef?: number;
  };
  readonly modelConfig: object;
  readonly stepsDone: number;
  readonly seconds: number;
  /** What a checkpoint is made of; null in the middle of a step. */
  readonly state: TrainerState | null;
  /** The same in the middle of a step, too: what a checkpoint replaces. */
  readonly parts: TrainerState;
  /** A step that is done, but for its evaluation. */
  readonly unevaluated: LoggedReport | null;
  /** Step and seconds, and what else is drawn next follows from. */
  readonly position: TrainerPosition;
  /** Goes on from there; its parts hold what they held then. */
  resumeAt(position: TrainerPosition): void;
  /** What rewards say of themselves since they were asked last, of a trainer whose reports have that. */
  takeRewardMetrics?(): Record<string, number>;
  /** Is called in place of `resumeAt` where no checkpoint is resumed. */
  beginHere(): void;
}
