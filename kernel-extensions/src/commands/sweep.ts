import * as path from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { wantedDirectory } from '../run-folder/run-directory';
import { wholeNumberFrom } from './whole-number';

interface SweepCommandOptions {
  parameter: Map<string, string>;
  points?: string;
  jobs: number;
  random?: number;
  seed: number;
  retries: number;
  out?: string;
  resume?: string;
}

/** `flowbook sweep`: a notebook's script with many parameters, several at one time. */
export function sweepCommand(): Command {
  return new Command('sweep')
    .description('run a notebook with many parameters, each run a script of its own')
    .argument('[notebook]', 'an .ipynb file; a resumed sweep knows its own')
    .option(
      '-p, --parameter <name=values>',
      'values: 1e-4,3e-4 or 1..5; with --random also log:1e-5..1e-3 and 0.1..0.9',
      collect,
      new Map(),
    )
    .option('-f, --points <file>', 'a list of runs, YAML or JSON: of each, names and values')
    .option('--jobs <count>', 'runs at one time', wholeNumberFrom(1), 1)
    .option(
      '--random <count>',
      'draw so many points instead of taking every combination',
      wholeNumberFrom(1),
    )
    .option('--seed <number>', 'what --random draws from', wholeNumberFrom(0), 1)
    .option('--retries <count>', 'times that a failed run is tried again', wholeNumberFrom(0), 0)
    .option('--out <folder>', "the sweep's folder (default: runs/<time>-sweep-<name>)")
    .option('--resume <folder>', 'go on with the sweep in a folder: what is done stays')
    .addHelpText(
      'after',
      '\nThe folder holds a run each, and index.html, which compares them. Standard output is the table.\nExit codes: 0 all done, 1 a run failed, 2 wrong use, 75 stopped by SIGTERM (--resume goes on), 130 interrupted.',
    )
    .action(async (notebook: string | undefined, options: SweepCommandOptions) => {
      const [{ runSweep }, { SweepError }] = await Promise.all([
        import('../sweep/run-sweep.js'),
        import('../sweep/axes.js'),
      ]);
      try {
        if ((notebook === undefined) === (options.resume === undefined)) {
          throw new SweepError('Cannot sweep as there must be a notebook, or a folder to --resume');
        }
        const { points, parameter, random } = options;
        if (notebook !== undefined && parameter.size === 0 && points === undefined) {
          throw new SweepError('Cannot sweep as there must be parameters: -p name=values');
        }
        if (points !== undefined && (parameter.size > 0 || random !== undefined)) {
          throw new SweepError('Cannot sweep as -f lists every run: leave out -p and --random');
        }
        const name = path.basename(notebook ?? '', '.ipynb');
        process.exitCode = await runSweep({
          notebook,
          ...wantedDirectory(options.resume ?? options.out, `sweep-${name}`),
          parameters: parameter,
          points,
          random: random === undefined ? null : { count: random, seed: options.seed },
          jobs: options.jobs,
          retries: options.retries,
        });
      } catch (error) {
        const known = ['SweepError', 'NotebookFormatError', 'NotebookCodeError'];
        if (!known.includes((error as Error).name)) throw error;
        process.stderr.write(`${(error as Error).message}\n`);
        process.exitCode = 2;
      }
    });
}

function collect(text: string, before: Map<string, string>): Map<string, string> {
  const [, name, value] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  if (name === undefined) throw new InvalidArgumentError('It must be name=values.');
  return new Map([...before, [name, value]]);
}
