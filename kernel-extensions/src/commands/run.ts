import { mkdirSync } from 'node:fs';
import * as path from 'node:path';
import { Command } from 'commander';
import { runDirectory } from '../notebook/run-directory';
import { collectNameValue } from './name-value';

interface RunOptions {
  out?: string;
  parameter: Map<string, string>;
  allowErrors: boolean;
}

/** `flowbook run`: executes a notebook through Flowbook's kernel, without Python. */
export function runCommand(): Command {
  return new Command('run')
    .description('run a notebook through the kernel, without Jupyter, and keep its outputs')
    .argument('<notebook>', 'an .ipynb file; its cells run in its own folder')
    .option(
      '--out <folder>',
      'where the notebook with its outputs goes (default: runs/<time>-<name>)',
    )
    .option(
      '-p, --parameter <name=value>',
      'set a declaration of the cell tagged parameters',
      collectNameValue,
      new Map(),
    )
    .option(
      '--allow-errors',
      'go on after a cell that fails; the exit code is 1 all the same',
      false,
    )
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 a cell failed, 2 wrong use, 75 stopped by SIGTERM with a checkpoint to resume, 143 without one, 130 interrupted.\nThe notebook is written in every case but 2.',
    )
    .action(async (notebook: string, options: RunOptions) => {
      const { runNotebookFile } = await import('../notebook/run-notebook-file.js');
      const name = path.basename(notebook, '.ipynb');
      const directory = path.resolve(options.out ?? runDirectory(name));
      if (directory === path.dirname(path.resolve(notebook))) {
        process.stderr.write(
          `Cannot run as --out must be another folder than the notebook's: current value is ${directory}\n`,
        );
        process.exitCode = 2;
        return;
      }
      mkdirSync(directory, { recursive: true });
      process.exitCode = await runNotebookFile({
        notebookFile: notebook,
        directory,
        parameters: options.parameter,
        allowErrors: options.allowErrors,
      });
    });
}
