import * as path from 'node:path';
import { KernelClient } from '../kernel/client';
import { PATIENCE_VARIABLE } from '../kernel/engine/interrupt-patience';
import { KernelRunFolder } from './kernel-run-folder';
import type { ScriptRecord } from './script-record';
import { NotebookCodeError } from '../notebook/cell-syntax';
import { exitCodes, stoppedCode } from './exit-codes';
import {
  type CellError,
  type CellExecutor,
  clearOutputs,
  executeNotebook,
} from '../notebook/execute-notebook';
import { heedStops } from './heed-stops';
import { injectParameters, ParameterError } from '../notebook/inject-parameters';
import { type Cell, cellName, type Notebook } from '../notebook/notebook';
import { NotebookFormatError, readNotebook, writeNotebook } from '../notebook/notebook-file';
import { parameterValues } from './parameter-values';
import { requireLanguage } from '../notebook/require-language';
import { isSamePlace } from '../run-folder/is-same-place';
import { makeRunDirectory, type WantedDirectory } from '../run-folder/run-directory';
import { findWarnings } from '../notebook/warnings/find-warnings';

/**
 * What `flowbook run` was asked for. `<name>.ipynb` is written to its folder, and what a script's run leaves; the folder is made
 * when the notebook can run.
 */
export interface NotebookFileRun extends WantedDirectory {
  notebookFile: string;
  parameters: ReadonlyMap<string, string>;
  allowErrors: boolean;
  /** Trainings go on from the checkpoints that the folder has. */
  resume: boolean;
  /** What the cells run on. Default: a kernel of this process's own. */
  startKernel?: (where: KernelPlace) => Promise<NotebookKernel>;
}

/** Where a kernel starts. */
export interface KernelPlace {
  cwd: string;
  env: Record<string, string>;
  /** Aborted when the run is to end, also while the kernel starts. */
  signal: AbortSignal;
}

/** What a notebook runs on. */
export interface NotebookKernel extends CellExecutor {
  /** Stops the running cell. */
  interrupt(): Promise<void>;
  /** Ends it at once: the running cell fails. */
  kill(): void;
  /** Ends it in order. */
  shutdown(): Promise<void>;
}

/**
 * Runs a notebook in its own folder and writes it with its outputs, after every cell and at the end,
 * however it ends, beside it what a script's run leaves. Progress and errors go to stderr, and so does a folder that cannot be
 * written any more, which makes the run one that failed.
 *
 * @returns the exit code; see `exitCodes`.
 */
export async function runNotebookFile(run: NotebookFileRun): Promise<number> {
  const { notebookFile, parameters, allowErrors, resume } = run;
  const startKernel = run.startKernel ?? ((where: KernelPlace) => KernelClient.start(where));
  let notebook: Notebook;
  let values: Record<string, unknown>;
  try {
    notebook = readNotebook(notebookFile);
    clearOutputs(notebook);
    requireLanguage(notebook, notebookFile);
    injectParameters(notebook, parameters);
    values = parameterValues(notebook);
    for (const warning of findWarnings(notebook)) say(`Warning ${warning}`);
  } catch (error) {
    const known = [NotebookFormatError, NotebookCodeError, ParameterError];
    if (!known.some((one) => error instanceof one)) throw error;
    say((error as Error).message);
    return error instanceof NotebookCodeError ? exitCodes.failed : exitCodes.wrongUse;
  }
  const name = path.basename(notebookFile);
  if (isSamePlace(path.join(run.directory, name), notebookFile)) {
    say(
      `Cannot run as --out must be another folder than the notebook's: current value is ${run.directory}`,
    );
    return exitCodes.wrongUse;
  }
  const directory = makeRunDirectory(run);
  const file = path.resolve(notebookFile);
  const folder = new KernelRunFolder(
    directory,
    { notebook: file, file, parameters: values },
    resume,
  );
  const target = path.join(directory, name);
  const save = (): void => writeNotebook(target, notebook);
  const end = (exitCode: number, state: ScriptRecord['state'], error: string | null): number => {
    folder.end(notebook.cells, { state, exitCode, error });
    return exitCode;
  };
  let kernel: NotebookKernel | null = null;
  const stop = new AbortController();
  // The first Ctrl-C, or SIGTERM, interrupts the running cell, the second ends the kernel.
  const stops = heedStops(
    (by) => {
      const what = by === 'SIGINT' ? 'Interrupted' : 'Stopped by SIGTERM';
      say(`${what}: a training may finish its step. Again: stops now.`);
      stop.abort(new Error(`stopped by ${by}`));
      void kernel?.interrupt().catch(() => kernel?.kill());
    },
    () => kernel?.kill(),
  );
  try {
    kernel = await startKernel({
      cwd: path.dirname(file),
      signal: stop.signal,
      // The kernel reads the notebook's metadata where a Jupyter server would tell it to.
      env: {
        FLOWBOOK_RUN_DIR: directory,
        FLOWBOOK_RESUME: resume ? 'auto' : '',
        [PATIENCE_VARIABLE]: directory,
        JPY_SESSION_NAME: file,
      },
    });
  } catch (error) {
    const { by } = stops;
    stops.end();
    const { message } = error as Error;
    save();
    if (by !== null) return end(stoppedCode(by, directory), 'stopped', null);
    say(message);
    return end(exitCodes.failed, 'failed', message);
  }
  try {
    let progress = '';
    const { failures } = await executeNotebook(kernel, notebook, {
      allowErrors,
      signal: stop.signal,
      onCellStart: (cell, index, total) => {
        progress = `[${index + 1}/${total}] ${cellName(notebook, cell)}`;
        folder.cellBegins(cell);
      },
      onCellEnd: (cell, seconds) => {
        say(`${progress} ${seconds.toFixed(1)} s`);
        save(); // first, as it holds the most
        folder.cellEnds(cell, seconds);
      },
    });
    // Callbacks print after their cell has ended.
    save();
    say(`Wrote ${path.relative(process.cwd(), target)}`);
    if (stops.by !== null) return end(stoppedCode(stops.by, directory), 'stopped', null);
    for (const failure of failures) reportFailure(notebook, failure);
    if (failures.length === 0) return end(exitCodes.done, 'done', null);
    return end(exitCodes.failed, 'failed', inOneLine(notebook, failures[0]));
  } catch (error) {
    const problem = `Cannot write what the run leaves to "${directory}": ${(error as Error).message}`;
    say(problem);
    folder.endUnwritten(problem);
    return exitCodes.failed;
  } finally {
    stops.end();
    await kernel.shutdown();
  }
}

function reportFailure(notebook: Notebook, failure: { cell: Cell; error: CellError }): void {
  const { error } = failure;
  say(inOneLine(notebook, failure));
  // eslint-disable-next-line no-control-regex -- tracebacks are coloured for notebooks
  say(error.traceback.join('\n').replace(/\u001b\[[0-9;]*m/g, ''));
}

function inOneLine(notebook: Notebook, { cell, error }: { cell: Cell; error: CellError }): string {
  return `Error in ${cellName(notebook, cell)}: ${error.ename}: ${error.evalue}`;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
