import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { LocalLauncher } from '../cluster/launch/local-launcher';
import { RayLauncher } from '../cluster/launch/ray-launcher';
import { SlurmLauncher } from '../cluster/launch/slurm-launcher';
import { runJob } from '../cluster/launch/follow';
import { gridOf } from '../cluster/launch/grid';
import type { JobStatus, Launcher } from '../cluster/launch/launcher';
import { makeJob, projectOf } from '../cluster/launch/make-job';
import { packagesFolder } from '../cluster/launch/packages-folder';
import { exitCodes } from '../notebook/exit-codes';
import { runDirectory } from '../notebook/run-directory';

interface SubmitOptions {
  on: 'local' | 'ray' | 'slurm';
  parameter: string[];
  each: string[];
  out?: string;
  include: string[];
  address?: string;
  tokenFile?: string;
  processors: number;
  sbatch: string[];
}

const collect = (text: string, before: string[]): string[] => [...before, text];

function parameter(text: string, before: string[]): string[] {
  if (!/^[^=]+=/s.test(text)) throw new InvalidArgumentError('It must be name=value.');
  return [...before, text];
}

/** `flowbook submit`: runs a notebook or script on this machine, a Ray cluster or a Slurm cluster. */
export function submitCommand(): Command {
  return new Command('submit')
    .description('run a notebook or script on other machines, and follow it to its end')
    .argument('<file>', 'an .ipynb file, which becomes a script, or a script')
    .addOption(
      new Option('--on <where>', 'where it runs')
        .choices(['local', 'ray', 'slurm'])
        .makeOptionMandatory(),
    )
    .option('-p, --parameter <name=value>', 'a flag of the script', parameter, [])
    .option('--each <name=a,b or 1..9>', 'a run for each value, and each combination', collect, [])
    .option(
      '--out <folder>',
      'where runs write, reachable from every machine (default: runs/<time>-<name>)',
    )
    .option('--include <path>', 'send this alone of the project (repeatable)', collect, [])
    .option('--address <url>', 'of Ray’s dashboard (default: RAY_API_SERVER_ADDRESS)')
    .option('--token-file <file>', 'of the Ray cluster (default: RAY_AUTH_TOKEN_PATH)')
    .option('--processors <number>', 'that Ray keeps for each run', Number, 1)
    .option(
      '--sbatch <option>',
      'a further option of sbatch, as --gres=gpu:1 (repeatable)',
      collect,
      [],
    )
    .addHelpText(
      'after',
      '\nWhat git ignores and what looks like a secret is not sent. Ctrl-C stops the runs with a checkpoint.\nExit codes: 0 done, 1 a run failed, 2 wrong use, 75 stopped with a checkpoint to resume, 130 interrupted, 143 terminated.',
    )
    .action(async (file: string, options: SubmitOptions) => {
      process.exitCode = await submit(file, options);
    });
}

function launcherFor({ on, address, tokenFile, processors, sbatch }: SubmitOptions): Launcher {
  const packages = packagesFolder();
  if (on === 'local') return new LocalLauncher(packages);
  if (on === 'slurm') return new SlurmLauncher({ packages, options: sbatch });
  // An empty variable counts as none.
  const url = address ?? (process.env.RAY_API_SERVER_ADDRESS || null);
  const file = tokenFile ?? (process.env.RAY_AUTH_TOKEN_PATH || null);
  if (url === null || file === null) {
    throw new Error(
      `Cannot submit on Ray as --address and --token-file must be given: current values are ${url ?? 'none'} and ${file ?? 'none'}`,
    );
  }
  return new RayLauncher({
    address: url,
    token: readFileSync(file, 'utf8').trim(),
    packages,
    processors,
  });
}

async function submit(file: string, options: SubmitOptions): Promise<number> {
  const say = (line: string): boolean => process.stderr.write(`${line}\n`);
  const name = path.basename(file, path.extname(file));
  const out = path.resolve(options.out ?? path.join(projectOf(file), runDirectory(name)));
  let launcher: Launcher;
  let runs: string[][];
  try {
    launcher = launcherFor(options);
    runs = gridOf(options.each).map((values) => [...options.parameter, ...values]);
  } catch (error) {
    say((error as Error).message);
    return exitCodes.wrongUse;
  }
  const { job, sent, warnings } = await makeJob({ file, out, runs, include: options.include });
  for (const warning of warnings) say(`Warning ${warning}`);
  say(
    `Sends ${sent.files.length} files, ${(sent.bytes / 1e6).toFixed(1)} MB; a copy is in ${path.join(out, 'bundle')}`,
  );
  for (const secret of sent.secrets) say(`Does not send ${secret}, which looks like a secret`);
  const controller = new AbortController();
  let by: NodeJS.Signals | null = null;
  const stop = (signal: NodeJS.Signals): void => {
    if (by !== null)
      process.exit(signal === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated);
    by = signal;
    say('Stopping the runs: each may write its checkpoint. Again: leaves them alone.');
    controller.abort();
  };
  process.on('SIGINT', stop).on('SIGTERM', stop);
  try {
    const ends = await runJob(launcher, job, {
      onText: (text) => process.stdout.write(text),
      onEvent: say,
      signal: controller.signal,
    });
    ends.forEach(({ state, exitCode, detail }, task) =>
      say(
        `${job.tasks[task].directory}: ${[state, exitCode, detail].filter((one) => one !== null && one !== '').join(', ')}`,
      ),
    );
    return codeOf(ends, by);
  } finally {
    process.removeListener('SIGINT', stop).removeListener('SIGTERM', stop);
  }
}

/** The exit code of all runs together. */
export function codeOf(ends: readonly JobStatus[], by: NodeJS.Signals | null): number {
  const others = ends.filter(({ state }) => state !== 'succeeded');
  if (others.length === 0) return exitCodes.done;
  if (by === null) return exitCodes.failed;
  if (others.some(({ exitCode }) => exitCode === exitCodes.toResume)) return exitCodes.toResume;
  return by === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated;
}
