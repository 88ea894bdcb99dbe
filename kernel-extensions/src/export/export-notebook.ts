import ts from 'typescript';
import { formatScript } from './format-script';
import { NotebookCodeError } from '../notebook/cell-syntax';
import { cellName, type Notebook } from '../notebook/notebook';
import { requireLanguage } from '../notebook/require-language';
import { type ExportOptions, ScriptDraft } from './script-draft';
import { findSections } from '../script/script-sections';

export type { ExportOptions };

/** A script and what its reader should know. */
export interface ExportedScript {
  text: string;
  /** Sentences that begin with a code, as `FB103: `; docs/warnings has a page for each. */
  warnings: string[];
  /** What the script calls the object that takes results. */
  cellVariable: string;
}

/**
 * Turns a notebook into a script: same cells, same order, same numbers. The cells become the body of
 * one async function, a cell tagged `parameters` becomes flags, texts become comments.
 *
 * @throws NotebookCodeError when a cell cannot stand in a script; names the cell and its line. NotebookFormatError when the
 *   notebook's language is another.
 * @example
 * const notebookFile = 'notebooks/01-flow-grpo.ipynb';
 * const { text } = await exportNotebook(readNotebook(notebookFile), { notebookFile, scriptFile: 'recipe.ts' });
 */
export async function exportNotebook(
  notebook: Notebook,
  options: ExportOptions,
): Promise<ExportedScript> {
  requireLanguage(notebook, options.notebookFile);
  const draft = new ScriptDraft(notebook, options);
  return {
    text: await formatted(notebook, draft.text(), options.scriptFile),
    warnings: draft.warnings(),
    cellVariable: draft.names.cell,
  };
}

/**
 * A script as it is formatted.
 *
 * @throws NotebookCodeError for what may begin a file, as `#!` does, and for what the compiler's parser passes over.
 */
async function formatted(notebook: Notebook, text: string, file: string): Promise<string> {
  try {
    return await formatScript(text, file);
  } catch (error) {
    const { loc, message } = error as Error & { loc?: { start: { line: number } } };
    if (loc === undefined) throw error;
    const sections = findSections(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true));
    const section = sections.filter(({ startLine }) => startLine < loc.start.line).at(-1);
    const cell = notebook.cells.find(({ id }) => id === section?.id);
    const problem = message.split('\n')[0].replace(/ \(\d+:\d+\)$/, '');
    throw new NotebookCodeError(
      `Cannot export ${cell ? cellName(notebook, cell) : 'the notebook'} as a script must be able to hold it: ${problem}`,
      { cause: error },
    );
  }
}
