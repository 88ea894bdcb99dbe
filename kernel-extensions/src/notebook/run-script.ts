import { existsSync, mkdirSync } from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError } from 'commander';
import { setDisplaySink } from '../display/sinks/current-sink';
import { FileSink } from '../display/sinks/file-sink';
import { addFlags, type FlagTable, type FlagValues } from './flags';
import { exitCodes, stoppedCode } from './exit-codes';
import { runDirectory } from './run-directory';
import { ScriptRun, type Outcome, type ScriptCell } from './script-run';

/** What an exported script hands to `runScript`. */
export interface ScriptOptions<Flags> {
  /** The script's own file: `__filename` or `import.meta.url`. */
  file: string;
  /** The notebook, relative to the script. The cells run in its folder, as they do in Jupyter. */
  notebook: string;
  flags?: Flags;
  main(cell: ScriptCell, values: FlagValues<Flags>): Promise<void>;
}

/**
 * Runs an exported script: reads its flags, runs its cells in the notebook's folder, writes displays
 * and the cells' last values (`results.jsonl`) to the folder `--out`, and ends the process with 0
 * when done, 1 when a cell failed (its place and line go to stderr), 2 for wrong use; stopped by a signal, 75 when
 * SIGTERM left a checkpoint to resume, else 143, and 130 by SIGINT. Standard output is left to the cells.
 *
 * @example
 * runScript({
 *   file: __filename,
 *   notebook: 'notebooks/01-flow-grpo.ipynb',
 *   flags: { steps: flag.number(40, 'training iterations') },
 *   main: async (_cell, { steps }) => console.log(steps),
 * });
 */
export function runScript<Flags extends FlagTable = Record<never, never>>(
  options: ScriptOptions<Flags>,
): void {
  const file = options.file.startsWith('file:') ? fileURLToPath(options.file) : options.file;
  const { out, ...values } = readFlags(file, options);
  const notebookFile = path.resolve(path.dirname(file), options.notebook);
  const folder = path.dirname(notebookFile);
  if (!existsSync(folder)) {
    const script = path.basename(file);
    process.stderr.write(
      `Cannot run ${script} as the folder of its notebook must exist: current value is ${folder}\n` +
        `Export the notebook again to where the script is now, or move the script back.\n`,
    );
    process.exit(exitCodes.wrongUse);
  }
  const name = path.basename(file, path.extname(file));
  const directory = path.resolve(typeof out === 'string' ? out : runDirectory(name));
  mkdirSync(directory, { recursive: true });
  process.stderr.write(`Writing to ${path.relative(process.cwd(), directory) || '.'}\n`);
  // The sdk's trainer writes its log there.
  process.env.FLOWBOOK_RUN_DIR = directory;
  const sink = new FileSink(directory);
  setDisplaySink(sink);
  process.chdir(folder);
  const run = new ScriptRun({ file, notebookFile, directory, sink });
  void run
    .execute((cell) => options.main(cell, values as FlagValues<Flags>))
    .then((outcome) => end(outcome, directory));
}

function readFlags<Flags>(
  file: string,
  { flags, notebook }: ScriptOptions<Flags>,
): Record<string, unknown> {
  const command = new Command(path.basename(file))
    .description(`The cells of ${path.basename(notebook)} as a script.`)
    .exitOverride();
  addFlags(command, (flags ?? {}) as FlagTable);
  command.option(
    '--out <folder>',
    'where charts, pictures and results go (default: runs/<time>-<name>)',
  );
  try {
    command.parse();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exit(error.exitCode === 0 ? exitCodes.done : exitCodes.wrongUse);
  }
  return command.opts();
}

/** Ends the process once all output is written; timers that cells left running end with it. */
function end(outcome: Outcome, directory: string): void {
  const isStopped = outcome === 'SIGINT' || outcome === 'SIGTERM';
  const code = isStopped ? stoppedCode(outcome, directory) : exitCodes[outcome];
  process.stdout.write('', () => process.stderr.write('', () => process.exit(code)));
}
