import type { Notebook } from './notebook';

/** The notebook without what running it leaves: outputs, execution counts, and times in the cells' metadata. */
export function stripOutputs(notebook: Notebook): Notebook {
  const cells = notebook.cells.map((cell) => {
    const { execution: _times, ExecuteTime: _time, ...metadata } = cell.metadata;
    if (cell.cell_type !== 'code') return { ...cell, metadata };
    return { ...cell, metadata, outputs: [], execution_count: null };
  });
  return { ...notebook, cells };
}
