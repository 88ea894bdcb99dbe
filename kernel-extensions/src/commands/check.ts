import { Command } from 'commander';
import { stopSignal } from './stop-signal';
import { exitCodes } from '../script/exit-codes';
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
      '\nExit codes: 0 the same, 1 something differs or fails (the first cell is named), 2 wrong use, 130 interrupted, 143 terminated.',
    )
    .action(async (notebooks: string[], { parameter }: { parameter: Map<string, string> }) => {
      process.exitCode = await check(notebooks, parameter);
    });
}

/** @returns the exit code */
async function check(
  notebooks: readonly string[],
  parameters: ReadonlyMap<string, string>,
): Promise<number> {
  const { checkNotebook } = await import('../export/check-notebook.js');
  const stop = stopSignal();
  let code: number = exitCodes.done;
  try {
    for (const notebook of notebooks) {
      try {
        const warn = (warning: string): boolean => process.stderr.write(`Warning ${warning}\n`);
        const difference = await checkNotebook(notebook, parameters, warn, stop.signal);
        process.stderr.write(`${notebook}: ${difference ?? 'the same'}\n`);
        if (difference !== null) code = Math.max(code, exitCodes.failed);
      } catch (error) {
        const stopped = stop.code();
        if (stopped !== null) return stopped;
        const { name, message } = error as Error;
        const known = { NotebookFormatError: 2, ParameterError: 2, NotebookCodeError: 1 }[name];
        if (known === undefined) throw error;
        process.stderr.write(`${message}\n`);
        code = Math.max(code, known);
      }
    }
    return code;
  } finally {
    stop.forget();
  }
}
