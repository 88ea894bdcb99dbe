import { type Bindings, findBindings } from '../bindings';
import { type CellSyntax, NotebookCodeError, parseCells } from '../cell-syntax';
import { type Notebook, runsInNotebook } from '../notebook';
import { earlyNames } from './early-names';
import { lostDisplays } from './lost-displays';
import { runOrder } from './run-order';
import { unseededRandomness } from './unseeded-randomness';
import { type NotebookWarning, warningTexts } from './warning';

/** What a notebook's author should know of the notebook itself, by code and then from top to bottom. */
export function notebookWarnings(
  notebook: Notebook,
  cells: readonly CellSyntax[],
  bindings: Bindings,
): NotebookWarning[] {
  return [
    ...runOrder(notebook),
    ...earlyNames(notebook, bindings),
    ...unseededRandomness(cells, bindings),
    ...lostDisplays(cells, bindings),
  ];
}

/** The same as sentences. A notebook with a cell that is no TypeScript is judged by its order alone: that cell's error comes when it runs. */
export function findWarnings(notebook: Notebook): string[] {
  return warningTexts(notebook, allOf(notebook));
}

function allOf(notebook: Notebook): NotebookWarning[] {
  try {
    const syntax = parseCells(notebook, notebook.cells.filter(runsInNotebook), 'run');
    return notebookWarnings(notebook, syntax.cells, findBindings(syntax));
  } catch (error) {
    if (!(error instanceof NotebookCodeError)) throw error;
    return runOrder(notebook);
  }
}
