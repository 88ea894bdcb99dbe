import * as path from 'node:path';
import { nextRunFolder } from '@flowbook/sdk';
import { findNotebook, notebooksFolder } from '../launch/find-notebook';
import { kernelOnServer } from '../launch/kernel-on-server';
import { exitCodes } from '../script/exit-codes';
import { RUNS } from '../run-folder/run-directory';
import { runNotebookFile } from '../script/run-notebook-file';
import { installedJupyter } from '../setup/setup-pieces';

export interface HeadlessFlags {
  out?: string;
  root?: string;
  parameter: ReadonlyMap<string, string>;
}

/**
 * Runs a notebook through a Jupyter server, and leaves what `flowbook run` leaves; without Jupyter, through the kernel alone.
 *
 * @param wanted a path, or a part of a notebook's name
 * @returns the exit code, as `flowbook run` has it
 */
export async function runHeadless(wanted: string, flags: HeadlessFlags): Promise<number> {
  const folder = path.resolve(flags.root ?? notebooksFolder());
  let notebookFile: string;
  try {
    notebookFile = findNotebook(wanted, folder);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return exitCodes.wrongUse;
  }
  const name = path.basename(notebookFile, '.ipynb');
  const besideNotebooks = nextRunFolder(path.join(path.dirname(folder), RUNS), name);
  const directory = path.resolve(flags.out ?? besideNotebooks);
  const isDefault = flags.out === undefined;
  const jupyter = await installedJupyter();
  if (!jupyter)
    process.stderr.write('RUNS WITHOUT JUPYTER, which is not set up: through the kernel alone.\n');
  return runNotebookFile({
    ...{ notebookFile, directory, isDefault, parameters: flags.parameter },
    ...{ allowErrors: false, resume: false },
    ...(jupyter && {
      startKernel: (where) =>
        kernelOnServer({
          ...jupyter,
          ...where,
          notebook: path.basename(notebookFile),
          onText: (stream, text) => process[stream].write(text),
        }),
    }),
  });
}
