import { cellName, type Notebook, runsInNotebook } from '../notebook';
import type { NotebookWarning } from './warning';

/**
 * FB101: by their execution counts, cells ran in another order than they stand in, or not at all while later ones did. What the
 * notebook shows may come from variables that no run from top to bottom has.
 */
export function runOrder(notebook: Notebook): NotebookWarning[] {
  const cells = notebook.cells.filter((cell) => runsInNotebook(cell) && cell.source.trim() !== '');
  const hasRun = cells.map(({ execution_count: count }) => typeof count === 'number');
  let newest: { cell: (typeof cells)[number]; count: number } | null = null;
  for (const cell of cells.slice(0, hasRun.lastIndexOf(true) + 1)) {
    const { execution_count: count } = cell;
    if (typeof count !== 'number') {
      const message = 'it has not run, while cells below it have';
      return [{ code: 'FB101', cell, message }];
    }
    if (newest !== null && count <= newest.count) {
      const message = `it ran as [${count}], before ${cellName(notebook, newest.cell)} above it, which ran as [${newest.count}]`;
      return [{ code: 'FB101', cell, message }];
    }
    newest = { cell, count };
  }
  return [];
}
