import type { TrainableModel } from '../pipelines';
import type { PromptedPart, RolledOutPart } from './rollout-part';

/** What one worker has done in a step. */
export interface WorkerReport {
  /** The worker's name, unique among all that ever joined. */
  worker: string;
  /** Parts that counted. */
  parts: number;
  /** Spent making them, in seconds, by the worker's own clock. */
  busySeconds: number;
  /** Sent to it, weights among them. */
  bytesIn: number;
  /** Its answers. */
  bytesOut: number;
}

/** What a rollout over workers took. */
export interface WorkersReport {
  workers: WorkerReport[];
  /** Parts that were handed out again since a worker was lost or late. */
  requeued: number;
  /** Answers that came a second time, and were dropped. */
  duplicates: number;
}

/** Where a rollout's parts are made when it is not here. */
export interface RolloutPlace {
  workers: RolloutWorkers;
  /** The weights, by the number that they were published under last. */
  version: number;
  /** Called once all parts are asked for: from then on other weights may be published. Default: nobody waits. */
  onAsked?: () => void;
}

/** Programs that make a rollout's parts somewhere else than in this process. */
export interface RolloutWorkers {
  /**
   * For programs that compute otherwise than the trainer, as inference servers do: the largest mean |logProb - rolloutLogProb| of
   * a step that rounding explains. FlowGRPO then computes old log-probabilities anew at every step, reports the gap, and
   * unless `onMismatch` is 'report' stops where it is larger. Missing: workers compute as the trainer does.
   */
  readonly mostGap?: number;

  /**
   * Makes what can be trained of a model known under a number: its active adapters, or all its weights when it has none. They
   * are read before the promise resolves. What was published before stays known while parts made with it are waited for.
   */
  publish(version: number, model: TrainableModel): Promise<void>;

  /**
   * Makes a part with the weights of a version; waits while all workers are busy, or there are none.
   *
   * @throws The signal's reason once it is aborted, and what a worker says of a part that cannot be made.
   */
  rollOut(
    part: PromptedPart,
    version: number,
    signal: AbortSignal | null | undefined,
  ): Promise<RolledOutPart>;

  /** What was done since this was called last. */
  takeReport(): WorkersReport;
}
