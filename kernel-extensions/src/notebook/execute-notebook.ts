import { type Cell, type Notebook, runsInNotebook } from './notebook';
import { type LiveOutput, OutputFolding } from './outputs';

/** How a cell failed, as Jupyter's `error` output has it. */
export interface CellError {
  ename: string;
  evalue: string;
  traceback: string[];
}

/** What runs cells: a `KernelClient`, or a kernel behind a Jupyter server. */
export interface CellExecutor {
  /** Resolves when the reply and all output have arrived; rejects when the kernel is gone. */
  execute(
    code: string,
    options: { onOutput: (output: LiveOutput) => void },
  ): Promise<{
    status: 'ok' | 'error' | 'aborted';
    executionCount: number | null;
    error: CellError | null;
  }>;
}

export interface ExecuteNotebookOptions {
  /** Goes on after a cell that fails; default false. */
  allowErrors?: boolean;
  /** Ends the run after the running cell, whose interruption is the caller's business. */
  signal?: AbortSignal;
  /** Called before a cell runs; `index` counts the cells that run, from 0. */
  onCellStart?: (cell: Cell, index: number, total: number) => void;
  /** Called after each cell, with its time; the notebook may be saved. */
  onCellEnd?: (cell: Cell, seconds: number) => void;
}

/** How a run ended: the cells that failed, in order, and whether all others ran. */
export interface NotebookRun {
  complete: boolean;
  failures: { cell: Cell; error: CellError }[];
}

/** Takes outputs and execution counts out of a notebook itself: those of an earlier run are none of this one. */
export function clearOutputs({ cells }: Notebook): void {
  for (const cell of cells.filter(({ cell_type }) => cell_type === 'code')) {
    cell.outputs = [];
    cell.execution_count = null;
  }
}

/**
 * Runs a notebook's code cells in order, each once the one before has ended, and puts what they print
 * and show into the notebook itself, in place of earlier outputs. Cells tagged `export-only` and
 * empty cells do not run. A kernel that dies leaves an `error` output in the cell that was running.
 */
export async function executeNotebook(
  executor: CellExecutor,
  notebook: Notebook,
  { allowErrors = false, signal, onCellStart, onCellEnd }: ExecuteNotebookOptions = {},
): Promise<NotebookRun> {
  clearOutputs(notebook);
  const cells = notebook.cells.filter((cell) => runsInNotebook(cell) && cell.source.trim() !== '');
  const folding = new OutputFolding();
  const failures: NotebookRun['failures'] = [];
  for (const [index, cell] of cells.entries()) {
    if (signal?.aborted) return { complete: false, failures };
    onCellStart?.(cell, index, cells.length);
    const started = performance.now();
    const { error, gone } = await executeCell(executor, cell, folding);
    if (error) failures.push({ cell, error });
    onCellEnd?.(cell, (performance.now() - started) / 1000);
    const last = index === cells.length - 1;
    if (gone || (error && !allowErrors)) return { complete: false, failures };
    if (last) break;
  }
  return { complete: !signal?.aborted, failures };
}

async function executeCell(
  executor: CellExecutor,
  cell: Cell,
  folding: OutputFolding,
): Promise<{ error: CellError | null; gone: boolean }> {
  try {
    const reply = await executor.execute(cell.source, {
      onOutput: (output) => folding.add(cell, output),
    });
    cell.execution_count = reply.executionCount;
    const aborted = { ename: 'Aborted', evalue: 'The kernel did not run the cell', traceback: [] };
    return { error: reply.error ?? (reply.status === 'ok' ? null : aborted), gone: false };
  } catch (thrown) {
    const evalue = thrown instanceof Error ? thrown.message : String(thrown);
    const error = { ename: 'KernelDied', evalue, traceback: [`KernelDied: ${evalue}`] };
    folding.add(cell, { output_type: 'error', ...error });
    return { error, gone: true };
  }
}
