import { mkdirSync } from 'node:fs';
import * as path from 'node:path';
import {
  type CellExecutor,
  executeNotebook,
  type ExecuteNotebookOptions,
  type NotebookRun,
} from '../notebook/execute-notebook';
import { injectParameters } from '../notebook/inject-parameters';
import type { Notebook } from '../notebook/notebook';
import { readNotebook, writeNotebook } from '../notebook/notebook-file';
import { JupyterServer, type JupyterServerOptions } from './jupyter-server';
import { ServerKernel } from './server-kernel';

export interface HeadlessRunOptions extends Pick<JupyterServerOptions, 'cache' | 'python'> {
  /** Path of the notebook. */
  notebookFile: string;
  /** Folder for the executed notebook and what it writes; the kernel finds it as `FLOWBOOK_RUN_DIR`. */
  runFolder: string;
  /** Values for declarations of the cell tagged `parameters`. */
  parameters: ReadonlyMap<string, string>;
  /** Kernel to run on. */
  kernelName?: string;
  onCellStart?: ExecuteNotebookOptions['onCellStart'];
  onCellEnd?: ExecuteNotebookOptions['onCellEnd'];
  /** Sees what cells print, as it comes. */
  onText?: (name: 'stdout' | 'stderr', text: string) => void;
  /** Ends the run: the running cell is interrupted and what is there is saved. */
  signal?: AbortSignal;
}

export interface HeadlessRun extends NotebookRun {
  notebook: Notebook;
  /** The executed notebook's file. */
  file: string;
}

/**
 * Runs a notebook through a real Jupyter server, as JupyterLab does, in the notebook's own folder.
 *
 * The executed notebook is written after every cell, so that it is there also when a cell fails, the kernel dies or
 * the run is interrupted.
 */
export async function headlessRun(options: HeadlessRunOptions): Promise<HeadlessRun> {
  const { notebookFile, runFolder, signal, kernelName = 'flowbook' } = options;
  const notebook = readNotebook(notebookFile);
  injectParameters(notebook, options.parameters);
  mkdirSync(runFolder, { recursive: true });
  const file = path.join(runFolder, path.basename(notebookFile));
  const save = (): void => writeNotebook(file, notebook);
  const server = await JupyterServer.start({
    cache: options.cache,
    python: options.python,
    application: 'jupyter_server',
    port: 0,
    rootFolder: path.dirname(path.resolve(notebookFile)),
    environment: { FLOWBOOK_RUN_DIR: runFolder },
    signal,
  });
  let kernel: ServerKernel | undefined;
  const interrupt = (): void => void kernel?.interrupt();
  signal?.addEventListener('abort', interrupt);
  try {
    kernel = await ServerKernel.start(server, path.basename(notebookFile), kernelName);
    const run = await executeNotebook(heardBy(kernel, options.onText), notebook, {
      signal,
      onCellStart: options.onCellStart,
      onCellEnd: (cell, seconds) => {
        options.onCellEnd?.(cell, seconds);
        save();
      },
    });
    return { ...run, notebook, file };
  } finally {
    signal?.removeEventListener('abort', interrupt);
    save();
    await kernel?.shutdown();
    await server.stop();
  }
}

/** The kernel, with what its cells print also told to `onText`. */
function heardBy(kernel: ServerKernel, onText: HeadlessRunOptions['onText']): CellExecutor {
  return {
    execute: (code, { onOutput }) =>
      kernel.execute(code, {
        onOutput: (output) => {
          onOutput(output);
          if (output.output_type === 'stream') onText?.(output.name, output.text);
        },
      }),
  };
}
