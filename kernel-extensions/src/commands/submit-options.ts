import { Command, InvalidArgumentError, Option } from 'commander';

/** What `flowbook submit` was asked for. */
export interface SubmitOptions {
  on: 'local' | 'ray' | 'slurm' | 'kuberay';
  parameter: string[];
  each: string[];
  out?: string;
  include: string[];
  mostMb: number;
  dryRun: boolean;
  processors: number;
  address?: string;
  tokenFile?: string;
  sbatch: string[];
  image?: string;
  rayVersion: string;
  claim?: string;
  mount?: string;
  packages: string;
  memory: string;
  workers: number;
  retries: number;
}

const collect = (text: string, before: string[]): string[] => [...before, text];

function parameter(text: string, before: string[]): string[] {
  if (!/^[^=]+=/s.test(text)) throw new InvalidArgumentError('It must be name=value.');
  return [...before, text];
}

function number(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0) return value;
  throw new InvalidArgumentError('It must be a number from 0.');
}

/** Gives `flowbook submit` its flags. */
export function withSubmitOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--on <where>', 'where it runs')
        .choices(['local', 'ray', 'slurm', 'kuberay'])
        .makeOptionMandatory(),
    )
    .option('-p, --parameter <name=value>', 'a flag of the script', parameter, [])
    .option('--each <name=a,b or 1..9>', 'a run for each value, and each combination', collect, [])
    .option(
      '--out <folder>',
      'where runs write, reachable from every machine (default: runs/<time>-<name>)',
    )
    .option('--include <path>', 'send this alone of the project (repeatable)', collect, [])
    .option('--most-mb <number>', 'what the bundle may have, in megabytes', number, 100)
    .option('--dry-run', 'say what would be sent and run, and do nothing', false)
    .option('--processors <number>', 'that Ray keeps for each run', number, 1)
    .optionsGroup('On ray:')
    .option('--address <url>', 'of Ray’s dashboard (default: RAY_API_SERVER_ADDRESS)')
    .option('--token-file <file>', 'of the Ray cluster (default: RAY_AUTH_TOKEN_PATH)')
    .optionsGroup('On slurm:')
    .option(
      '--sbatch <option>',
      'a further option of sbatch, as --gres=gpu:1 (repeatable)',
      collect,
      [],
    )
    .optionsGroup('On kuberay:')
    .option('--image <name>', 'of the pods, with Node and Ray in it')
    .option('--ray-version <version>', 'of the Ray in the image', '2.60.0')
    .option('--claim <name>', 'of the volume that the pods share (PersistentVolumeClaim)')
    .option('--mount <folder>', 'where the volume is mounted, here and in the pods')
    .option('--packages <folder>', "the image's node_modules", '/opt/flowbook/node_modules')
    .option('--memory <amount>', 'of each pod', '8Gi')
    .option('--workers <number>', 'pods besides the head, for rollouts', number, 0)
    .option('--retries <number>', 'new beginnings of a run that fails', number, 3)
    .addHelpText(
      'after',
      [
        '',
        'What git ignores, what looks like a secret and links that lead out of the project are not sent. Ctrl-C stops',
        'the runs with a checkpoint. kuberay writes bundle and manifest to --out, for kubectl apply -f.',
        'Exit codes: 0 done, 1 a run failed, 2 wrong use, 75 stopped with a checkpoint to resume, 130 interrupted, 143 terminated.',
      ].join('\n'),
    );
}
