import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import * as path from 'node:path';
import type { Job, JobStatus, Launcher } from './launcher';
import { shellLine } from './shell-line';

interface LocalRun {
  child: ChildProcess;
  logFile: string;
  isStopped: boolean;
}

/** Runs jobs as processes of this machine, all of a job's tasks at once. */
export class LocalLauncher implements Launcher {
  readonly name = 'local';
  readonly #runs = new Map<string, LocalRun>();

  /** @param packages Absolute folder `node_modules` of this installation. */
  constructor(private readonly packages: string) {}

  async submit(job: Job, { resume }: { resume: boolean }): Promise<string[]> {
    return job.tasks.map((task) => {
      mkdirSync(task.directory, { recursive: true });
      const logFile = path.join(task.directory, 'output.log');
      const log = openSync(logFile, 'a');
      const line = shellLine(job, task, { resume, packages: this.packages });
      const child = spawn('sh', ['-c', line], { cwd: job.folder, stdio: ['ignore', log, log] });
      closeSync(log);
      const id = String(child.pid);
      this.#runs.set(id, { child, logFile, isStopped: false });
      return id;
    });
  }

  async status(id: string): Promise<JobStatus> {
    const { child, isStopped } = this.#run(id);
    const { exitCode, signalCode } = child;
    if (exitCode === null && signalCode === null) {
      return { state: 'running', exitCode: null, detail: '' };
    }
    if (exitCode === 0) return { state: 'succeeded', exitCode, detail: '' };
    const detail = signalCode === null ? '' : `ended by ${signalCode}`;
    if (isStopped) return { state: 'stopped', exitCode, detail };
    // Nobody here ends a run like that: the machine ran out of memory, or somebody wanted it gone.
    return { state: signalCode === 'SIGKILL' ? 'lost' : 'failed', exitCode, detail };
  }

  async log(id: string): Promise<string> {
    return readFileSync(this.#run(id).logFile, 'utf8');
  }

  async stop(id: string): Promise<void> {
    const run = this.#run(id);
    run.isStopped = true;
    run.child.kill('SIGTERM');
  }

  #run(id: string): LocalRun {
    const run = this.#runs.get(id);
    if (run !== undefined) return run;
    throw new Error(
      `Cannot find the run as its id must be one of ${[...this.#runs.keys()].join(', ') || 'none'}: current value is ${id}`,
    );
  }
}
