import type { Alarm, AlarmLimits } from './alarms';
import type { LogLine } from '../step-report';
import type { KeptPicture } from './picture-files';

/** How far a run is, for whoever watches it. */
export interface RunView {
  /** A line a step so far, those of a run that was resumed among them. */
  readonly log: readonly LogLine[];
  readonly alarms: readonly Alarm[];
  /** The first pictures of each evaluation. */
  readonly pictures: readonly KeptPicture[];
  /** The step that the run ends with. */
  readonly steps: number;
  /** The run's folder, an absolute path, or null. */
  readonly folder: string | null;
}

/** How a run goes, whatever its objective. */
export interface RunOptions<Report> {
  /** Stops the loop. Default: the running cell's signal. */
  signal?: AbortSignal | null;
  /** Called after each step with its report and with the run so far; a promise is waited for. What it throws ends the run. */
  onStep?: ((report: Report, run: RunView) => void | Promise<void>) | null;
  /** Whatever this run was configured by, as plain JSON: it is stored in run.json. Default: none. */
  configuration?: object | null;
  /**
   * The run's folder: log.jsonl, run.json, checkpoints, pictures and TensorBoard's events. Default: with `runName` a new one;
   * else the environment's FLOWBOOK_RUN_DIR; without it, none.
   */
  runDirectory?: string | null;
  /** Makes a new folder `<time>-<name>` in FLOWBOOK_RUN_DIR, or in `runs`. Default: none. */
  runName?: string | null;
  /**
   * Goes on where a run stopped, from its last checkpoint: true for the run of this folder or the newest of this name, 'auto'
   * for the same where there is one, or a run's folder or a checkpoint by its path. By a path it writes into that run's folder
   * unless `runDirectory`, which must hold no other training, or `runName` name another; a checkpoint that lies outside of a run's is
   * read alone, and FLOWBOOK_RUN_DIR written to, if it is set. Default: false; where FLOWBOOK_RESUME is `auto`, 'auto' for a run of the
   * same settings, and a run that began by such a path goes on with its own.
   */
  resume?: boolean | string;
  /** Steps between two checkpoints; one is also made at the end. null: none at all. Default 10. */
  checkpointEverySteps?: number | null;
  /** Checkpoints that stay besides the best one: the last, and those before it in case that one is broken. Default 2. */
  checkpointsKept?: number;
  /** What is best by the log: checkpoints/best holds the step where it was highest, none where that is step 0. Default 'evaluation/reward'. */
  bestMetric?: string;
  /** Least rise of `bestMetric` that counts. Default 0: any. */
  minImprovement?: number;
  /** Ends the run when `bestMetric` has not risen for this many evaluations. Default: it goes on. */
  patience?: number | null;
  /** When alarms are raised. What is left out keeps its default. */
  alarmLimits?: Partial<AlarmLimits>;
}
