import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import { zipSync } from 'fflate';
import type { Job, JobState, JobStatus, Launcher } from './launcher';
import { MOST_REQUEST_BYTES, RayJobs, RayJobsError, type RayJob } from './ray-jobs';
import { shellLine } from './shell-line';

const STATES: Readonly<Record<RayJob['status'], JobState>> = {
  PENDING: 'waiting',
  RUNNING: 'running',
  STOPPED: 'stopped',
  SUCCEEDED: 'succeeded',
  FAILED: 'failed',
};

/** How jobs on a Ray cluster run. */
export interface RayLauncherOptions {
  /** Of the dashboard, as `http://10.0.0.1:8265`. */
  address: string;
  token: string;
  /** `node_modules` of this installation, at the same place on each machine. */
  packages: string;
  /** Processors that Ray keeps for each task. Default 1. */
  processors?: number;
  /** Further resources of each task, by Ray's names. Default: none. */
  resources?: Readonly<Record<string, number>>;
}

/** Runs jobs on a Ray cluster, wherever there is room: the bundle is uploaded, and each task is a job of Ray's. */
export class RayLauncher implements Launcher {
  readonly name = 'ray';
  readonly findsSubmitted = true;
  readonly #jobs: RayJobs;
  /** What each run had printed when it was last asked. */
  readonly #logs = new Map<string, string>();
  /** Ids of tasks, by their folders, that Ray was asked to run and has not answered. */
  readonly #unanswered = new Map<string, string>();

  constructor(private readonly options: RayLauncherOptions) {
    this.#jobs = new RayJobs(options.address, options.token);
  }

  async submit(job: Job, { resume }: { resume: boolean }): Promise<string[]> {
    const { packages, processors = 1, resources } = this.options;
    const zip = zipOf(job);
    const hash = createHash('sha256').update(zip).digest('hex').slice(0, 32);
    const working_dir = await this.#jobs.upload(zip, hash);
    const ids: string[] = [];
    for (const task of job.tasks) {
      const known = this.#unanswered.get(task.directory);
      const id = known ?? `${job.name.replace(/[^\w-]/g, '-')}-${randomBytes(4).toString('hex')}`;
      this.#unanswered.set(task.directory, id);
      if (known === undefined || !(await this.#has(known))) {
        // One that Ray takes meanwhile makes it refuse this, and is found when asked again.
        await this.#jobs.submit({
          entrypoint: shellLine(job, task, { resume, packages }),
          submission_id: id,
          runtime_env: { working_dir },
          entrypoint_num_cpus: processors,
          ...(resources && { entrypoint_resources: resources }),
        });
      }
      this.#unanswered.delete(task.directory);
      ids.push(id);
    }
    return ids;
  }

  async #has(id: string): Promise<boolean> {
    try {
      await this.#jobs.get(id);
      return true;
    } catch (error) {
      if (error instanceof RayJobsError && error.status === 404) return false;
      throw error;
    }
  }

  async status(id: string): Promise<JobStatus> {
    const job = await this.#jobs.get(id);
    const exitCode = job.driver_exit_code ?? null;
    const detail = job.message ?? '';
    // A script that failed has an exit code; one whose machine is gone has none.
    const isLost = job.status === 'FAILED' && exitCode === null && isMachineGone(job);
    return { state: isLost ? 'lost' : STATES[job.status], exitCode, detail };
  }

  /**
   * What the run has printed so far; where Ray cannot say, what it had when it was last asked.
   *
   * @throws When Ray refuses, or the run is over and its machine cannot be asked.
   */
  async log(id: string): Promise<string> {
    try {
      const text = await this.#jobs.logs(id);
      this.#logs.set(id, text);
      return text;
    } catch (error) {
      // Ray asks the machine that the job runs on: before there is one, and when it is gone, that fails with 500.
      if (!(error instanceof RayJobsError && error.status === 500)) throw error;
      const { state } = await this.status(id);
      if (state === 'succeeded' || state === 'failed') throw error;
      return this.#logs.get(id) ?? '';
    }
  }

  stop(id: string): Promise<void> {
    return this.#jobs.stop(id);
  }
}

function isMachineGone({ error_type, message }: RayJob): boolean {
  const said = `${error_type ?? ''} ${message ?? ''}`;
  return /SUPERVISOR_ACTOR_(DIED|UNKNOWN)|actor died|node .*(died|dead)/i.test(said);
}

/** The bundle as a zip file, the same bytes for the same files. */
function zipOf({ folder, files }: Job): Uint8Array {
  const contents = Object.fromEntries(
    files.map((file) => [
      file.split(path.sep).join('/'),
      [readFileSync(path.join(folder, file)), { mtime: '1980-01-02' }] as const,
    ]),
  );
  const zip = zipSync(contents as unknown as Parameters<typeof zipSync>[0], { level: 6 });
  if (zip.length <= MOST_REQUEST_BYTES) return zip;
  throw new Error(
    `Cannot send the bundle as Ray takes at most ${MOST_REQUEST_BYTES} bytes: it has ${zip.length}; name what the run needs with --include`,
  );
}
