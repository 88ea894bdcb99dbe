import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { promisify } from 'node:util';
import type { Job, JobState, JobStatus, Launcher } from './launcher';
import { quoted, shellLine } from './shell-line';

const STATES: Readonly<Record<string, JobState>> = {
  PENDING: 'waiting',
  CONFIGURING: 'waiting',
  REQUEUED: 'waiting',
  REQUEUE_HOLD: 'waiting',
  SUSPENDED: 'waiting',
  RUNNING: 'running',
  COMPLETING: 'running',
  COMPLETED: 'succeeded',
  CANCELLED: 'stopped',
  NODE_FAIL: 'lost',
  PREEMPTED: 'lost',
};

/** How jobs on a Slurm cluster run. */
export interface SlurmLauncherOptions {
  /** `node_modules` of this installation, at the same place on each machine. */
  packages: string;
  /** Further options of sbatch, as `--gres=gpu:1`. Default: none. */
  options?: readonly string[];
  /** Runs one of Slurm's commands and gives what it prints. Default: the one on the path. */
  run?: (command: string, parameters: readonly string[]) => Promise<string>;
}

const runOnPath = async (command: string, parameters: readonly string[]): Promise<string> => {
  try {
    return (await promisify(execFile)(command, [...parameters])).stdout;
  } catch (error) {
    const { code, stderr = '', message } = error as Error & { code?: unknown; stderr?: string };
    throw new Error(
      code === 'ENOENT'
        ? `Cannot run on Slurm as its command "${command}" must be on the path`
        : `Cannot run on Slurm as "${command}" must succeed: ${stderr.trim() || message}`,
      { cause: error },
    );
  }
};

/**
 * Runs jobs on a Slurm cluster, a job's tasks as one array. The folders of runs and bundle lie on a file system that all machines
 * share. A task whose machine fails is queued again by Slurm, and goes on where it was.
 */
export class SlurmLauncher implements Launcher {
  readonly name = 'slurm';
  readonly #run: NonNullable<SlurmLauncherOptions['run']>;
  readonly #logs = new Map<string, string>();
  readonly #stopped = new Set<string>();

  constructor(private readonly options: SlurmLauncherOptions) {
    this.#run = options.run ?? runOnPath;
  }

  async submit(job: Job, { resume }: { resume: boolean }): Promise<string[]> {
    const script = path.join(job.folder, '.slurm.sh');
    writeFileSync(script, batchScript(job, { resume, packages: this.options.packages }));
    for (const { directory } of job.tasks) mkdirSync(directory, { recursive: true });
    const logFolder = path.join(job.folder, '.slurm-output');
    mkdirSync(logFolder, { recursive: true });
    const said = await this.#run('sbatch', [
      '--parsable',
      '--requeue',
      '--open-mode=append',
      `--job-name=${job.name}`,
      `--array=0-${job.tasks.length - 1}`,
      `--output=${path.join(logFolder, '%A_%a.log')}`,
      `--chdir=${job.folder}`,
      ...(this.options.options ?? []),
      script,
    ]);
    const [number] = said.trim().split(';');
    return job.tasks.map((_, index) => {
      const id = `${number}_${index}`;
      this.#logs.set(id, path.join(logFolder, `${id}.log`));
      return id;
    });
  }

  async status(id: string): Promise<JobStatus> {
    const said = await this.#run('scontrol', ['show', 'job', '--oneliner', id]);
    const state = /\bJobState=(\w+)/.exec(said)?.[1] ?? '';
    const [, code, signal] = /\bExitCode=(\d+):(\d+)/.exec(said) ?? [];
    const reason = /\bReason=(\S+)/.exec(said)?.[1] ?? 'None';
    const known = STATES[state] ?? 'failed';
    const isEnded = !['waiting', 'running'].includes(known);
    return {
      // A script that was asked to end says so by its exit code, which Slurm takes for a failure.
      state: known === 'failed' && this.#stopped.has(id) ? 'stopped' : known,
      exitCode: isEnded && signal === '0' ? Number(code) : null,
      detail: reason === 'None' ? state : `${state}, ${reason}`,
    };
  }

  async log(id: string): Promise<string> {
    const file = this.#logs.get(id);
    return file !== undefined && existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  async stop(id: string): Promise<void> {
    // A job that waits is cancelled; in one that runs, the script itself gets the signal.
    const { state } = await this.status(id);
    if (state === 'waiting') await this.#run('scancel', [id]);
    else await this.#run('scancel', ['--batch', '--signal=TERM', id]);
    this.#stopped.add(id);
  }
}

/** The script of an array: each task by its number. */
function batchScript(
  job: Job,
  { resume, packages }: { resume: boolean; packages: string },
): string {
  const cases = job.tasks.map((task, index) => {
    const first = shellLine(job, task, { resume, packages });
    const again = shellLine(job, task, { resume: true, packages });
    return `${index}) if [ "\${SLURM_RESTART_COUNT:-0}" -gt 0 ]; then ${again}; else ${first}; fi ;;`;
  });
  return [
    '#!/bin/sh',
    `cd ${quoted(job.folder)}`,
    'case "$SLURM_ARRAY_TASK_ID" in',
    ...cases,
    'esac',
    '',
  ].join('\n');
}
