import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import * as path from 'node:path';
import type { Writable } from 'node:stream';
import type { Job, JobStatus, Launcher } from './launcher';
import { shellLine } from './shell-line';

interface LocalRun {
  child: ChildProcess;
  logFile: string;
  isStopped: boolean;
}

/**
 * The end of a pipe whose other one this process has: where it ends without a line, that process is gone, whatever ended it,
 * and nobody else would stop the run.
 */
const END_WITH_PARENT = '{ read -r line <&3 || kill -TERM $$; } & exec 3<&-';

/**
 * Runs jobs as processes of this machine, all of a job's tasks at once. Each is in a group of its own: a Ctrl-C at the terminal
 * is the submitter's, and `stop` would be a second signal to a run that had it already. A run whose submitter is gone is stopped.
 */
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
      const child = spawn('sh', ['-c', `${END_WITH_PARENT}; ${line}`], {
        cwd: job.folder,
        stdio: ['ignore', log, log, 'pipe'],
        detached: true,
      });
      closeSync(log);
      this.#link(child).on('error', () => undefined); // the run may be gone already
      child.once('exit', () => this.#letGo(child));
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
    // The end of this process would be a second signal.
    this.#letGo(run.child);
    run.child.kill('SIGTERM');
  }

  #link(child: ChildProcess): Writable {
    return child.stdio[3] as Writable;
  }

  /** What ends this process is of no matter to the run any more. */
  #letGo(child: ChildProcess): void {
    this.#link(child).end('\n');
  }

  #run(id: string): LocalRun {
    const run = this.#runs.get(id);
    if (run !== undefined) return run;
    throw new Error(
      `Cannot find the run as its id must be one of ${[...this.#runs.keys()].join(', ') || 'none'}: current value is ${id}`,
    );
  }
}
