/** One run of a job. */
export interface JobTask {
  /** Arguments of the script. */
  parameters: readonly string[];
  /** Absolute folder that the run writes to, reachable from where it runs. */
  directory: string;
}

/** A script with everything it needs, to be run once or several times. */
export interface Job {
  name: string;
  /** Absolute folder with the bundle's files; the script runs in it. */
  folder: string;
  /** Paths of the bundle's files below the folder. */
  files: readonly string[];
  /** Program and arguments before the task's own, relative to the folder. */
  program: readonly string[];
  tasks: readonly JobTask[];
}

/** Where a run stands. 'lost': its machine is gone, and nobody runs it again. */
export type JobState = 'waiting' | 'running' | 'succeeded' | 'failed' | 'stopped' | 'lost';

/** A run's state, with the exit code of its script where it is known. */
export interface JobStatus {
  state: JobState;
  exitCode: number | null;
  /** In words, where there is something to say. */
  detail: string;
}

/** A way to run jobs. All of them pass one suite of tests. */
export interface Launcher {
  readonly name: string;
  /**
   * Whether tasks may be handed over again after a `submit` that failed: one that was accepted all the same is then found, and
   * no task runs twice. Default: false.
   */
  readonly findsSubmitted?: boolean;
  /**
   * Hands tasks over.
   *
   * @param resume Whether the script is to go on where it was: it gets `--resume auto`.
   * @returns An id for each.
   */
  submit(job: Job, options: { resume: boolean }): Promise<string[]>;
  /**
   * Where a run stands, asked of the cluster now.
   *
   * @param id As `submit` gave it.
   * @throws When the cluster cannot be asked.
   */
  status(id: string): Promise<JobStatus>;
  /**
   * What the run has printed so far.
   *
   * @throws When the cluster cannot be asked.
   */
  log(id: string): Promise<string>;
  /** Asks a run to end: SIGTERM, and time for a checkpoint. */
  stop(id: string): Promise<void>;
}

/**
 * Whether a run is over.
 *
 * @example
 * isOver({ state: 'lost', exitCode: null, detail: '' }); // true
 */
export function isOver({ state }: JobStatus): boolean {
  return state !== 'waiting' && state !== 'running';
}
