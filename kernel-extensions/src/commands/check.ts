import { Command } from 'commander';
import { collectNameValue } from './name-value';

/** `flowbook check`: whether notebooks and their scripts give the same. */
export function checkCommand(): Command {
  return new Command('check')
    .description(
      'run notebooks through the kernel and as scripts, and compare every line that they print',
    )
    .argument('<notebooks...>', '.ipynb files')
    .option('-p, --parameter <name=value>', 'set a parameter, in both', collectNameValue, new Map())
    .addHelpText(
      'after',
      '\nExit codes: 0 the same, 1 something differs or fails (the first cell is named), 2 wrong use.',
    )
    .action(async (notebooks: string[], { parameter }: { parameter: Map<string, string> }) => {
      const { checkNotebook } = await import('../notebook/check-notebook.js');
      for (const notebook of notebooks) {
        try {
          const difference = await checkNotebook(notebook, parameter, (warning) =>
            process.stderr.write(`Warning ${warning}\n`),
          );
          process.stderr.write(`${notebook}: ${difference ?? 'the same'}\n`);
          if (difference !== null) process.exitCode ||= 1;
        } catch (error) {
          const { name, message } = error as Error;
          const code = { NotebookFormatError: 2, ParameterError: 2, NotebookCodeError: 1 }[name];
          if (code === undefined) throw error;
          process.stderr.write(`${message}\n`);
          process.exitCode = Math.max(Number(process.exitCode ?? 0), code);
        }
      }
    });
}
