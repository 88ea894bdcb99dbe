import { mkdirSync } from 'node:fs';
import * as path from 'node:path';
import { cellName, type Notebook, runsInNotebook } from '../notebook/notebook';
import { readNotebook, writeNotebook } from '../notebook/notebook-file';
import { OutputFolding } from '../notebook/outputs';
import { JupyterServer, type JupyterServerOptions } from './jupyter-server';
import { type CellResult, KernelDiedError, ServerKernel } from './server-kernel';

export interface HeadlessRunOptions extends Pick<JupyterServerOptions, 'cache' | 'python'> {
  /** Path of the notebook. */
  notebook: string;
  /** Folder for the executed notebook and what it writes; the kernel finds it as `FLOWBOOK_RUN_DIR`. */
  runFolder: string;
  /** Kernel to run on. */
  kernelName?: string;
  /** Changes the notebook before it runs, as parameters do. */
  prepare?: (notebook: Notebook) => Notebook;
  /** Told as each cell starts and what it prints. */
  onCell?: (name: string) => void;
  onText?: (name: 'stdout' | 'stderr', text: string) => void;
  /** Ends the run: the running cell is interrupted and what is there is saved. */
  signal?: AbortSignal;
}

export interface HeadlessRunResult {
  /** The executed notebook. */
  file: string;
  /** What the cell that failed ended with, or null. */
  failure: { cell: string; ename: string; evalue: string; traceback: string[] } | null;
}

/**
 * Runs a notebook through a real Jupyter server, as JupyterLab does, in the notebook's own folder.
 *
 * The executed notebook is written after every cell, so that it is there also when a cell fails, the kernel dies or
 * the run is interrupted.
 */
export async function headlessRun(options: HeadlessRunOptions): Promise<HeadlessRunResult> {
  const {
    notebook: source,
    runFolder,
    kernelName = 'flowbook',
    prepare = (same) => same,
  } = options;
  const notebook = prepare(readNotebook(source));
  mkdirSync(runFolder, { recursive: true });
  const file = path.join(runFolder, path.basename(source));
  for (const cell of notebook.cells.filter(runsInNotebook)) {
    cell.outputs = [];
    cell.execution_count = null;
  }
  writeNotebook(file, notebook);
  const server = await JupyterServer.start({
    cache: options.cache,
    python: options.python,
    application: 'jupyter_server',
    port: 0,
    rootFolder: path.dirname(source),
    environment: { FLOWBOOK_RUN_DIR: runFolder },
  });
  let kernel: ServerKernel | undefined;
  try {
    kernel = await ServerKernel.start(server, path.basename(source), kernelName);
    return { file, failure: await runCells(notebook, kernel, file, options) };
  } finally {
    await kernel?.shutdown();
    await server.stop();
  }
}

async function runCells(
  notebook: Notebook,
  kernel: ServerKernel,
  file: string,
  { onCell, onText, signal }: HeadlessRunOptions,
): Promise<HeadlessRunResult['failure']> {
  const folding = new OutputFolding();
  const interrupt = (): void => void kernel.interrupt();
  signal?.addEventListener('abort', interrupt);
  try {
    for (const cell of notebook.cells.filter(runsInNotebook)) {
      signal?.throwIfAborted();
      if (cell.source.trim() === '') continue;
      const name = cellName(notebook, cell);
      onCell?.(name);
      const result = await kernel
        .execute(cell.source, {
          onOutput: (output) => {
            folding.add(cell, output);
            if (output.output_type === 'stream') onText?.(output.name, output.text);
          },
        })
        .catch((error: Error) => failedResult(error));
      cell.execution_count = result.executionCount;
      if (result.error && !cell.outputs?.some((output) => output.output_type === 'error')) {
        folding.add(cell, { output_type: 'error', ...result.error });
      }
      writeNotebook(file, notebook);
      if (result.status !== 'ok') {
        return { cell: name, ...(result.error ?? aborted) };
      }
    }
    return null;
  } finally {
    signal?.removeEventListener('abort', interrupt);
    writeNotebook(file, notebook);
  }
}

const aborted = { ename: 'Aborted', evalue: 'the kernel did not run the cell', traceback: [] };

function failedResult(error: Error): CellResult {
  if (!(error instanceof KernelDiedError)) throw error;
  const traceback = [`${error.name}: ${error.message}`];
  return {
    status: 'error',
    executionCount: null,
    error: { ename: error.name, evalue: error.message, traceback },
  };
}
