import { mkdirSync } from 'node:fs';
import * as path from 'node:path';
import { findNotebook, notebooksFolder } from '../launch/find-notebook';
import { headlessRun } from '../launch/headless-run';
import { stopSignal } from '../launch/stop-signal';
import type { CellError } from '../notebook/execute-notebook';
import { cellName } from '../notebook/notebook';
import { runDirectory } from '../notebook/run-directory';
import { runNotebookFile } from '../notebook/run-notebook-file';
import { installedJupyter } from '../setup-pieces';

export interface HeadlessFlags {
  out?: string;
  root?: string;
  parameter: ReadonlyMap<string, string>;
}

/**
 * Runs a notebook through a Jupyter server and keeps it with its outputs; without Jupyter, through the kernel alone.
 *
 * @param wanted a path, or a part of a notebook's name
 * @returns the exit code: 0 done, 1 a cell failed or the kernel died, 130 interrupted
 */
export async function runHeadless(wanted: string, flags: HeadlessFlags): Promise<number> {
  const folder = path.resolve(flags.root ?? notebooksFolder());
  const notebookFile = findNotebook(wanted, folder);
  const name = path.basename(notebookFile, '.ipynb');
  const besideNotebooks = path.join(path.dirname(folder), runDirectory(name));
  const runFolder = path.resolve(flags.out ?? besideNotebooks);
  const jupyter = await installedJupyter();
  if (!jupyter) {
    process.stderr.write('RUNS WITHOUT JUPYTER, which is not set up: through the kernel alone.\n');
    mkdirSync(runFolder, { recursive: true });
    const { parameter: parameters } = flags;
    return runNotebookFile({
      notebookFile,
      directory: runFolder,
      parameters,
      allowErrors: false,
      resume: false,
    });
  }
  const { signal, forget } = stopSignal();
  let progress = '';
  try {
    const { notebook, failures, file } = await headlessRun({
      ...jupyter,
      notebookFile,
      runFolder,
      parameters: flags.parameter,
      signal,
      onCellStart: (cell, index, total) => {
        progress = `[${index + 1}/${total}] ${cell.id}`;
      },
      onCellEnd: (_cell, seconds) => process.stderr.write(`${progress} ${seconds.toFixed(1)} s\n`),
      onText: (stream, text) => process[stream].write(text),
    });
    for (const { cell, error } of failures) {
      process.stderr.write(`\nError in ${cellName(notebook, cell)}: ${describe(error)}\n`);
    }
    process.stdout.write(`\nWrote ${path.relative(process.cwd(), file) || file}\n`);
    if (signal.aborted) return 130;
    return failures.length > 0 ? 1 : 0;
  } finally {
    forget();
  }
}

function describe({ ename, evalue, traceback }: CellError): string {
  // eslint-disable-next-line no-control-regex -- tracebacks are coloured for notebooks
  const lines = traceback.join('\n').replace(/\u001b\[[0-9;]*m/g, '');
  return lines.includes(evalue) ? `\n${lines}` : `${ename}: ${evalue}\n${lines}`;
}
