import { formatScript } from './format-script';
import type { Notebook } from '../notebook/notebook';
import { requireLanguage } from '../notebook/require-language';
import { type ExportOptions, ScriptDraft } from './script-draft';

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
    text: await formatScript(draft.text(), options.scriptFile),
    warnings: draft.warnings(),
    cellVariable: draft.names.cell,
  };
}
