import * as path from 'node:path';
import { ScriptChecker } from './check-script';
import { exportNotebook } from './export-notebook';
import type { Notebook } from './notebook';
import { isModuleFile } from './module-kind';

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
  const first = checker.check(draft.text, draft.cellVariable);
  if (first.withoutResult.size === 0) {
    const { problems } = first;
    return { text: draft.text, warnings: [...draft.warnings, ...problems], problems };
  }
  const script = await exportNotebook(notebook, { ...options, withoutResult: first.withoutResult });
  const { problems } = checker.check(script.text, script.cellVariable);
  return { text: script.text, warnings: [...script.warnings, ...problems], problems };
}
