import type { Bindings } from '../../notebook/bindings';
import { type Cell, cellName, type Notebook } from '../../notebook/notebook';
import type { NotebookWarning } from '../../notebook/warnings/warning';

/**
 * FB202: a function reads a name of another cell, and a later cell declares the name again: called after
 * that, the function sees the new one in the kernel and the old one, as its types say, in the script.
 */
export function lateNames(notebook: Notebook, { all }: Bindings): NotebookWarning[] {
  const place = (cell: Cell): number => notebook.cells.indexOf(cell);
  return all.flatMap((later) => {
    const readers = all
      .filter(({ name, cell }) => name === later.name && place(cell) < place(later.cell))
      .flatMap(({ cell: own, references }) =>
        references.filter(({ cell, inFunction }) => {
          return inFunction && cell !== own && place(cell) < place(later.cell);
        }),
      );
    const cells = [...new Set(readers.map(({ cell }) => cellName(notebook, cell)))];
    return cells.map((reader) => ({
      code: 'FB202' as const,
      cell: later.cell,
      message:
        `it declares "${later.name}" again, which a function in ${reader} uses: ` +
        `the kernel gives it the new one, the script the old one`,
    }));
  });
}
