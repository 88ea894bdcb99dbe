import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import * as path from 'node:path';
import { Command } from 'commander';
import {
  formatNotebook,
  NotebookFormatError,
  parseNotebook,
  readNotebook,
  writeNotebook,
} from '../notebook/notebook-file';
import { stripOutputs } from '../notebook/strip-outputs';

const attribute = '*.ipynb filter=flowbook';

/** `flowbook strip`: takes outputs out of notebooks, once or on every commit. */
export function stripCommand(): Command {
  return new Command('strip')
    .description('take outputs and execution counts out of notebooks')
    .argument('[notebooks...]', '.ipynb files, changed in place; none: from stdin to stdout')
    .option(
      '--install',
      'strip on every commit of this repository: a git filter, and a line of .gitattributes',
      false,
    )
    .action((notebooks: string[], { install }: { install: boolean }) => {
      try {
        if (install) return installFilter();
        if (notebooks.length === 0) {
          const notebook = parseNotebook(readFileSync(0, 'utf8'), 'standard input');
          process.stdout.write(formatNotebook(stripOutputs(notebook)));
        }
        for (const file of notebooks) {
          const stripped = stripOutputs(readNotebook(file));
          if (formatNotebook(stripped) !== readFileSync(file, 'utf8'))
            writeNotebook(file, stripped);
        }
      } catch (error) {
        if (!(error instanceof NotebookFormatError)) throw error;
        process.stderr.write(`${error.message}\n`);
        process.exitCode = 2;
      }
    });
}

function installFilter(): void {
  const git = (...args: string[]): string => execFileSync('git', args, { encoding: 'utf8' }).trim();
  const root = git('rev-parse', '--show-toplevel');
  const program = path.join(__dirname, '..', '..', 'bin', 'flowbook.mjs');
  git('config', 'filter.flowbook.clean', `"${process.execPath}" "${program}" strip`);
  git('config', 'filter.flowbook.smudge', 'cat');
  // Without it git would take outputs in when the filter fails.
  git('config', 'filter.flowbook.required', 'true');
  const file = path.join(root, '.gitattributes');
  const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
  if (!text.split('\n').includes(attribute)) {
    appendFileSync(file, `${text === '' || text.endsWith('\n') ? '' : '\n'}${attribute}\n`);
  }
  process.stderr.write(`Outputs of notebooks stay out of commits in ${root}\n`);
}
