import { mkdirSync } from 'node:fs';
import * as path from 'node:path';
import { Command } from 'commander';
import { NotebookCodeError } from '../notebook/cell-syntax';
import { NotebookFormatError, readNotebook } from '../notebook/notebook-file';
import { replaceFile } from '../run-folder/replace-file';

/** `flowbook export`: writes a notebook as a script. */
export function exportCommand(): Command {
  return new Command('export')
    .description('write a notebook as a script with flags: same cells, same order, same numbers')
    .argument('<notebook>', 'an .ipynb file')
    .requiredOption('-o, --output <file>', 'the script, .ts or .mts')
    .option('--no-check', 'skip type-checking the script')
    .addHelpText(
      'after',
      [
        '',
        'Cell tags: parameters (its declarations become flags), no-export, export-only,',
        'checkpoint (what it declares is kept; --resume of the script takes it from there).',
        'Exit codes: 0 done, 1 a cell cannot stand in a script, 2 wrong use.',
      ].join('\n'),
    )
    .action(async (notebook: string, { output, check }: { output: string; check: boolean }) => {
      process.exitCode = await exportFile(notebook, output, check);
    });
}

async function exportFile(
  notebookFile: string,
  scriptFile: string,
  check: boolean,
): Promise<number> {
  const say = (line: string): boolean => process.stderr.write(`${line}\n`);
  if (!/\.m?ts$/.test(scriptFile)) {
    say(`Cannot export as --output must end in .ts or .mts: current value is ${scriptFile}`);
    return 2;
  }
  // The TypeScript compiler takes a moment to load, which the other commands need not wait for.
  const { exportScript } = await import('../export/export-script.js');
  try {
    const notebook = readNotebook(notebookFile);
    const { text, warnings } = await exportScript(notebook, notebookFile, scriptFile, check);
    for (const warning of warnings) say(`Warning ${warning}`);
    mkdirSync(path.dirname(path.resolve(scriptFile)), { recursive: true });
    replaceFile(scriptFile, text);
    say(`Wrote ${scriptFile}`);
    return 0;
  } catch (error) {
    if (!(error instanceof NotebookCodeError || error instanceof NotebookFormatError)) throw error;
    say(error.message);
    return error instanceof NotebookFormatError ? 2 : 1;
  }
}
