import * as path from 'node:path';
import { ScriptChecker } from './check-script';
import { exportNotebook } from './export-notebook';
import type { Notebook } from '../notebook/notebook';
import { isModuleFile } from './module-kind';
import { isSilenced } from '../notebook/warnings/silenced';

/**
 * `exportNotebook` with the types of what the notebook imports: last expressions without a value are
 * left as they are, and errors under `strict` become warnings that name the cell;
 * `problems` holds them alone.
 */
export async function exportScript(
  notebook: Notebook,
  notebookFile: string,
  scriptFile: string,
  check: boolean,
): Promise<{ text: string; warnings: string[]; problems: string[] }> {
  const options = {
    notebookFile: path.resolve(notebookFile),
    scriptFile: path.resolve(scriptFile),
    module: isModuleFile(path.resolve(scriptFile)),
  };
  const draft = await exportNotebook(notebook, options);
  if (!check) return { ...draft, problems: [] };
  const checker = new ScriptChecker(options.scriptFile);
  let script = draft;
  let found = checker.check(script.text, script.cellVariable);
  if (found.withoutResult.size > 0) {
    script = await exportNotebook(notebook, { ...options, withoutResult: found.withoutResult });
    found = checker.check(script.text, script.cellVariable);
  }
  const problems = found.problems
    .filter(({ cell: id }) => {
      const cell = notebook.cells.find((one) => one.id === id);
      return !isSilenced(notebook, cell, 'FB203');
    })
    .map(({ text }) => text);
  const warnings = [...script.warnings, ...problems.map((one) => `FB203: ${one}`)];
  return { text: script.text, warnings, problems };
}
