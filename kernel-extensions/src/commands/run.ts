import { existsSync } from 'node:fs';
import * as path from 'node:path';
import { Command } from 'commander';
import { exitCodes } from '../script/exit-codes';
import { isSamePlace } from '../run-folder/is-same-place';
import { makeRunDirectory, wantedDirectory } from '../run-folder/run-directory';
import { collectNameValue } from './name-value';

interface RunOptions {
  out?: string;
  parameter: Map<string, string>;
  resume: boolean;
  allowErrors: boolean;
}

/** `flowbook run`: executes a notebook through Flowbook's kernel, without Python, or a script in Node. */
export function runCommand(): Command {
  return new Command('run')
    .description('run a notebook through the kernel, without Jupyter, or a script in Node')
    .argument('<file>', 'an .ipynb file, whose cells run in its own folder, or a .ts or .js file')
    .argument('[flags...]', 'of a script: flags of its own, after --')
    .option('--out <folder>', 'where the run writes (default: runs/<time>-<name>)')
    .option(
      '-p, --parameter <name=value>',
      'set a declaration of the cell tagged parameters, or a flag of the script',
      collectNameValue,
      new Map(),
    )
    .option('--resume', 'go on with the run in --out from its checkpoints', false)
    .option(
      '--allow-errors',
      'of a notebook: go on after a cell that fails; the exit code is 1 all the same',
      false,
    )
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 a cell or the script failed, 2 wrong use, 75 stopped by SIGTERM with a checkpoint to resume, 143 without one, 130 interrupted.\nThe folder holds script.json, index.html, what was printed and shown, and the notebook with its outputs, in every case but 2.',
    )
    .action(async (file: string, flags: string[], options: RunOptions) => {
      process.exitCode = await run(file, flags, options);
    });
}

async function run(file: string, flags: string[], options: RunOptions): Promise<number> {
  const refuse = (rule: string, value: string): number => {
    process.stderr.write(`Cannot run as ${rule}: current value is ${value}\n`);
    return exitCodes.wrongUse;
  };
  const { parameter: parameters, resume, allowErrors } = options;
  const { isScriptFile, runScriptFile } = await import('../script/run-script-file.js');
  const isScript = isScriptFile(file);
  const name = path.basename(file, path.extname(file));
  const wanted = wantedDirectory(options.out, name);
  if (!isScript && path.extname(file) !== '.ipynb')
    return refuse('the file must be a notebook or a script, .ipynb, .ts or .js', file);
  if (isScript && !existsSync(file)) return refuse('the script must exist', file);
  if (isScript && allowErrors) return refuse('--allow-errors is for notebooks', file);
  if (!isScript && flags.length > 0)
    return refuse('only a script has flags of its own', flags.join(' '));
  if (resume && options.out === undefined)
    return refuse('--resume must come with the folder to go on in, --out', 'none');
  if (isScript) {
    if (isSamePlace(wanted.directory, path.dirname(file)))
      return refuse("--out must be another folder than the script's", wanted.directory);
    const directory = makeRunDirectory(wanted);
    return runScriptFile({ scriptFile: file, directory, parameters, flags, resume });
  }
  const { runNotebookFile } = await import('../script/run-notebook-file.js');
  return runNotebookFile({ notebookFile: file, ...wanted, parameters, allowErrors, resume });
}
