import * as path from 'node:path';
import { KernelClient } from '../kernel/client';
import { NotebookCodeError } from './cell-syntax';
import { exitCodes, stoppedCode, type StopSignal } from './exit-codes';
import { type CellError, executeNotebook } from './execute-notebook';
import { injectParameters, ParameterError } from './inject-parameters';
import { type Cell, cellName, type Notebook } from './notebook';
import { NotebookFormatError, readNotebook, writeNotebook } from './notebook-file';

/** What `flowbook run` was asked for. */
export interface NotebookFileRun {
  notebookFile: string;
  /** Exists; `<name>.ipynb` is written there, and the trainer's log. */
  directory: string;
  parameters: ReadonlyMap<string, string>;
  allowErrors: boolean;
}

/**
 * Runs a notebook in its own folder and writes it with its outputs, after every cell and at the end,
 * however it ends. Progress and errors go to stderr.
 *
 * @returns the exit code; see `exitCodes`.
 */
export async function runNotebookFile(run: NotebookFileRun): Promise<number> {
  const { notebookFile, directory, parameters, allowErrors } = run;
  let notebook: Notebook;
  try {
    notebook = readNotebook(notebookFile);
    injectParameters(notebook, parameters);
  } catch (error) {
    const known = [NotebookFormatError, NotebookCodeError, ParameterError];
    if (!known.some((one) => error instanceof one)) throw error;
    say((error as Error).message);
    return error instanceof NotebookCodeError ? exitCodes.failed : exitCodes.wrongUse;
  }
  const target = path.join(directory, path.basename(notebookFile));
  const save = (): void => writeNotebook(target, notebook);
  let kernel: KernelClient;
  try {
    kernel = await KernelClient.start({
      cwd: path.dirname(path.resolve(notebookFile)),
      // The kernel reads the notebook's metadata where a Jupyter server would tell it to.
      env: { FLOWBOOK_RUN_DIR: directory, JPY_SESSION_NAME: path.resolve(notebookFile) },
    });
  } catch (error) {
    say((error as Error).message);
    save();
    return exitCodes.failed;
  }
  const interruption = new Interruption(kernel);
  try {
    let progress = '';
    const { failures } = await executeNotebook(kernel, notebook, {
      allowErrors,
      signal: interruption.signal,
      onCellStart: (cell, index, total) =>
        (progress = `[${index + 1}/${total}] ${cellName(notebook, cell)}`),
      onCellEnd: (_cell, seconds) => {
        say(`${progress} ${seconds.toFixed(1)} s`);
        save();
      },
    });
    if (interruption.by !== null) return stoppedCode(interruption.by, directory);
    for (const failure of failures) reportFailure(notebook, failure);
    return failures.length > 0 ? exitCodes.failed : exitCodes.done;
  } finally {
    interruption.end();
    save();
    await kernel.shutdown();
    say(`Wrote ${path.relative(process.cwd(), target)}`);
  }
}

/** The first Ctrl-C, or SIGTERM, interrupts the running cell, the second ends the kernel. */
class Interruption {
  /** The signal that came first. */
  by: StopSignal | null = null;
  private readonly abort = new AbortController();
  private readonly listener = (by: StopSignal): void => {
    if (this.by !== null) return this.kernel.kill();
    this.by = by;
    this.abort.abort();
    void this.kernel.interrupt().catch(() => this.kernel.kill());
  };

  constructor(private readonly kernel: KernelClient) {
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, this.listener);
  }

  get signal(): AbortSignal {
    return this.abort.signal;
  }

  end(): void {
    for (const name of ['SIGINT', 'SIGTERM']) process.off(name, this.listener);
  }
}

function reportFailure(
  notebook: Notebook,
  { cell, error }: { cell: Cell; error: CellError },
): void {
  say(`Error in ${cellName(notebook, cell)}: ${error.ename}: ${error.evalue}`);
  // eslint-disable-next-line no-control-regex -- tracebacks are coloured for notebooks
  say(error.traceback.join('\n').replace(/\u001b\[[0-9;]*m/g, ''));
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
