import type { Cell, Notebook } from '../notebook';
import { cellName } from '../notebook';
import { isSilenced } from './silenced';

/** What each code is about; docs/warnings has a page for each. 1xx: the notebook. 2xx: the script that it becomes. */
export const warningCodes = {
  FB101: 'cells were run out of order',
  FB102: 'a name is used before its cell',
  FB103: 'randomness without a seed',
  FB104: 'a display that nobody awaits',
  FB201: 'a parameter that is no flag',
  FB202: 'a name that another cell declares again',
  FB203: 'a type error in the script',
  FB204: 'a resource that the script holds longer',
  FB205: 'a path of its own in another folder',
  FB206: 'a setting that comes after its import',
} as const;

export type WarningCode = keyof typeof warningCodes;

/** Something in a notebook that its author should know. */
export interface NotebookWarning {
  code: WarningCode;
  cell: Cell;
  /** Of the cell, from 1. */
  line?: number;
  /** Goes on after the cell's name, in the words of a person. */
  message: string;
}

/** The warnings that nobody has silenced, as sentences: `FB103: cell 2 [a], line 3: ...`. */
export function warningTexts(notebook: Notebook, warnings: readonly NotebookWarning[]): string[] {
  return warnings
    .filter(({ code, cell }) => !isSilenced(notebook, cell, code))
    .map(({ code, cell, line, message }) => {
      const at = line === undefined ? '' : `, line ${line}`;
      return `${code}: ${cellName(notebook, cell)}${at}: ${message}`;
    });
}
