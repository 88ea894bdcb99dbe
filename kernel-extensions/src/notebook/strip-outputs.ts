import type { Notebook } from './notebook';

/** Where JupyterLab, and an extension of Jupyter Notebook, keep when a cell ran. */
const TIMES = ['execution', 'ExecuteTime'];

/** The notebook without what running it leaves: outputs, execution counts, times in the cells' metadata, and widgets' state. */
export function stripOutputs(notebook: Notebook): Notebook {
  const cells = notebook.cells.map((cell) => {
    const metadata = Object.fromEntries(
      Object.entries(cell.metadata).filter(([name]) => !TIMES.includes(name)),
    );
    if (cell.cell_type !== 'code') return { ...cell, metadata };
    return { ...cell, metadata, outputs: [], execution_count: null };
  });
  const metadata = { ...notebook.metadata };
  delete metadata.widgets; // JupyterLab saves the state of all widgets there
  return { ...notebook, metadata, cells };
}
