import ts from 'typescript';
import { parseCells } from './cell-syntax';
import { type Notebook, runsInNotebook } from './notebook';
import { findParametersCell, type Parameter, readParameters } from './parameters';
import { namedParameter, type ParameterValue } from './parameter-value';
import { applyEdits } from './text-edits';

/** A parameter that a notebook does not have, or a value that it cannot take. */
export class ParameterError extends Error {
  override readonly name = 'ParameterError';
}

/** What a notebook's cell tagged `parameters` declares that can be set from outside; nothing without such a cell. */
export function notebookParameters(notebook: Notebook): Parameter[] {
  const cell = findParametersCell(notebook);
  if (!cell) return [];
  const earlier = notebook.cells
    .slice(0, notebook.cells.indexOf(cell))
    .filter(runsInNotebook)
    .map((one) => ({
      cell: one,
      file: ts.createSourceFile('cell.ts', one.source, ts.ScriptTarget.ESNext, true),
    }));
  const [syntax] = parseCells(notebook, [cell], 'run').cells;
  return readParameters(syntax, earlier).parameters;
}

/**
 * Sets parameters of a notebook: in its cell tagged `parameters`, the values after `=` are replaced,
 * so that types and comments stay and the notebook says what it ran with.
 *
 * @param given name -> text, as from `-p steps=2`.
 * @throws ParameterError for a name that the cell does not declare (it names those that it does), or a value of another type.
 */
export function injectParameters(notebook: Notebook, given: ReadonlyMap<string, string>): void {
  if (given.size === 0) return;
  const cell = findParametersCell(notebook);
  if (!cell) {
    const names = [...given.keys()].map((name) => `"${name}"`).join(', ');
    throw new ParameterError(
      `Cannot set ${names} as no cell of the notebook is tagged "parameters"`,
    );
  }
  const parameters = new Map(notebookParameters(notebook).map((one) => [one.name, one]));
  const rules = new Map([...parameters].map(([name, { rule }]) => [name, rule]));
  const edits = [...given].map(([name, text]) => {
    const value = namedParameter('set', rules, [name, text], ParameterError);
    const { initializer } = parameters.get(name)!;
    return { start: initializer.getStart(), end: initializer.end, text: literal(value) };
  });
  cell.source = applyEdits(cell.source, edits);
}

function literal(value: ParameterValue): string {
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  // JSON knows no infinity, and drops the sign of zero.
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  return typeof value === 'string' ? quote(value) : JSON.stringify(value);
}

function quote(text: string): string {
  return `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
}
