import { existsSync, readFileSync } from 'node:fs';
import { Command } from 'commander';
import { NotebookCodeError } from '../notebook/cell-syntax';
import { NotebookFormatError, readNotebook, writeNotebook } from '../notebook/notebook-file';

/** `flowbook import`: brings a script's edits back into its notebook. */
export function importCommand(): Command {
  return new Command('import')
    .description("bring a script's edits back into its notebook, by the // %% [id] markers")
    .argument('<script>', "of `flowbook export`, or in jupytext's ts:percent")
    .requiredOption('-o, --output <notebook>', 'the notebook: changed where it exists, else made')
    .action(async (script: string, { output }: { output: string }) => {
      process.exitCode = await importFile(script, output);
    });
}

async function importFile(scriptFile: string, notebookFile: string): Promise<number> {
  const say = (line: string): boolean => process.stderr.write(`${line}\n`);
  if (!notebookFile.endsWith('.ipynb')) {
    say(`Cannot import as --output must end in .ipynb: current value is ${notebookFile}`);
    return 2;
  }
  if (!existsSync(scriptFile)) {
    say(`Cannot import as the script must exist: current value is ${scriptFile}`);
    return 2;
  }
  // The TypeScript compiler takes a moment to load, which the other commands need not wait for.
  const { importScript } = await import('../export/import-script.js');
  try {
    const original = existsSync(notebookFile) ? readNotebook(notebookFile) : undefined;
    const text = readFileSync(scriptFile, 'utf8');
    writeNotebook(notebookFile, await importScript(text, scriptFile, notebookFile, original));
    say(`Wrote ${notebookFile}`);
    return 0;
  } catch (error) {
    if (!(error instanceof NotebookCodeError || error instanceof NotebookFormatError)) throw error;
    say(error.message);
    return error instanceof NotebookFormatError ? 2 : 1;
  }
}
