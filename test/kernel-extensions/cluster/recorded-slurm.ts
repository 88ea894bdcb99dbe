import { spawn, type ChildProcess } from 'node:child_process';
import { openSync } from 'node:fs';

/** What Slurm 22.05.8 printed, shortened to the fields around those that are read. */
const RECORDED = {
  sbatch: (job: number) => `${job}\n`,
  scontrol: (job: number, index: number, state: string, reason: string, code: string) =>
    `JobId=${job} ArrayJobId=${job} ArrayTaskId=${index} JobName=contract UserId=root(0) GroupId=root(0) MCS_label=N/A Priority=4294901759 Nice=0 Account=(null) QOS=(null) JobState=${state} Reason=${reason} Dependency=(null) Requeue=1 Restarts=0 BatchFlag=1 Reboot=0 ExitCode=${code} RunTime=00:00:02 TimeLimit=UNLIMITED TimeMin=N/A Partition=all NodeList=n1 BatchHost=n1 NumNodes=1 NumCPUs=1\n`,
};

/**
 * Slurm's commands with recorded output, for machines without Slurm: the batch script runs as a process here, what is printed
 * about it is what Slurm printed.
 */
export function recordedSlurm(): (
  command: string,
  parameters: readonly string[],
) => Promise<string> {
  const tasks = new Map<string, ChildProcess>();
  let job = 0;
  const submit = (parameters: readonly string[]): string => {
    job += 1;
    const option = (name: string) =>
      parameters.find((one) => one.startsWith(`--${name}=`))?.slice(name.length + 3) ?? '';
    const last = Number(option('array').split('-')[1]);
    for (let index = 0; index <= last; index += 1) {
      const file = option('output').replace('%A', String(job)).replace('%a', String(index));
      const log = openSync(file, 'a');
      const child = spawn('sh', [parameters.at(-1) as string], {
        cwd: option('chdir'),
        env: { ...process.env, SLURM_ARRAY_TASK_ID: String(index) },
        stdio: ['ignore', log, log],
      });
      tasks.set(`${job}_${index}`, child);
    }
    return RECORDED.sbatch(job);
  };
  const show = (id: string): string => {
    const { exitCode, signalCode } = tasks.get(id) as ChildProcess;
    const [number, index] = id.split('_').map(Number);
    if (exitCode === null && signalCode === null) {
      return RECORDED.scontrol(number, index, 'RUNNING', 'None', '0:0');
    }
    if (exitCode === 0) return RECORDED.scontrol(number, index, 'COMPLETED', 'None', '0:0');
    return RECORDED.scontrol(number, index, 'FAILED', 'NonZeroExitCode', `${exitCode ?? 0}:0`);
  };
  return async (command, parameters) => {
    if (command === 'sbatch') return submit(parameters);
    const id = parameters.at(-1) as string;
    if (command === 'scontrol') return show(id);
    tasks.get(id)?.kill('SIGTERM');
    return '';
  };
}
