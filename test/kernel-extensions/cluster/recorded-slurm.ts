import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';

/** What a job's line says that changes. */
interface Line {
  state: string;
  reason: string;
  restarts: number;
  code: string;
}

/** What Slurm 22.05.8 printed, shortened to the fields around those that are read. */
const RECORDED = {
  sbatch: (job: number) => `${job}\n`,
  scontrol: (id: string, { state, reason, restarts, code }: Line) => {
    const [job, index] = id.split('_');
    return `JobId=${job} ArrayJobId=${job} ArrayTaskId=${index} JobName=contract UserId=root(0) GroupId=root(0) MCS_label=N/A Priority=4294901759 Nice=0 Account=(null) QOS=(null) JobState=${state} Reason=${reason} Dependency=(null) Requeue=1 Restarts=${restarts} BatchFlag=1 Reboot=0 ExitCode=${code} RunTime=00:00:02 TimeLimit=UNLIMITED TimeMin=N/A Partition=all NodeList=n1 BatchHost=n1 NumNodes=1 NumCPUs=1\n`;
  },
};

/** How long a job waits here whose machine is gone, in milliseconds; Slurm takes two minutes. */
const REQUEUED_AFTER_MS = 300;

/** Slurm's commands, and a machine of a job's that can be taken away. */
export interface RecordedSlurm {
  run: (command: string, parameters: readonly string[]) => Promise<string>;
  loseMachine: (id: string) => Promise<void>;
}

/** A task of a job: its process, null while it waits to run again. */
interface Task {
  child: ChildProcess | null;
  restarts: number;
  start: (restarts: number) => ChildProcess;
}

/**
 * Slurm's commands with recorded output, for machines without Slurm: the batch script runs as a process here, what is printed
 * about it is what Slurm printed. A job whose machine is lost waits for its begin time, and runs again with SLURM_RESTART_COUNT.
 */
export function recordedSlurm(): RecordedSlurm {
  const tasks = new Map<string, Task>();
  let job = 0;
  const taskOf = (id: string): Task => tasks.get(id) as Task;

  const submit = (parameters: readonly string[]): string => {
    job += 1;
    const option = (name: string) =>
      parameters.find((one) => one.startsWith(`--${name}=`))?.slice(name.length + 3) ?? '';
    const last = Number(option('array').split('-')[1]);
    for (let index = 0; index <= last; index += 1) {
      const file = option('output').replace('%A', String(job)).replace('%a', String(index));
      const start = (restarts: number): ChildProcess => {
        const log = openSync(file, 'a');
        const environment = restarts > 0 ? { SLURM_RESTART_COUNT: String(restarts) } : {};
        const child = spawn('sh', [parameters.at(-1) as string], {
          cwd: option('chdir'),
          env: { ...process.env, SLURM_ARRAY_TASK_ID: String(index), ...environment },
          stdio: ['ignore', log, log],
        });
        closeSync(log);
        return child;
      };
      tasks.set(`${job}_${index}`, { child: start(0), restarts: 0, start });
    }
    return RECORDED.sbatch(job);
  };

  const show = (id: string): string => {
    const { child, restarts } = taskOf(id);
    const line = (state: string, reason = 'None', code = '0:0'): string =>
      RECORDED.scontrol(id, { state, reason, restarts, code });
    if (child === null) return line('PENDING', 'BeginTime');
    const { exitCode, signalCode } = child;
    if (exitCode === null && signalCode === null) return line('RUNNING');
    if (exitCode === 0) return line('COMPLETED');
    return line('FAILED', 'NonZeroExitCode', `${exitCode ?? 0}:0`);
  };

  return {
    async run(command, parameters) {
      if (command === 'sbatch') return submit(parameters);
      const id = parameters.at(-1) as string;
      if (command === 'scontrol') return show(id);
      taskOf(id).child?.kill('SIGTERM');
      return '';
    },
    async loseMachine(id) {
      const task = taskOf(id);
      const { child } = task;
      task.child = null;
      task.restarts += 1;
      child?.kill('SIGKILL');
      setTimeout(() => (task.child = task.start(task.restarts)), REQUEUED_AFTER_MS);
    },
  };
}
