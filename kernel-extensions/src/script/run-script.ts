import { existsSync } from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { setDisplaySink } from '../display/sinks/current-sink';
import { FileSink } from '../display/sinks/file-sink';
import { readScriptCommand } from './script-command';
import { seedMathRandom } from './seeded-random';
import { exitCodes } from './exit-codes';
import type { FlagTable, FlagValues } from './flags';
import { makeRunDirectory } from '../run-folder/run-directory';
import { ScriptRun, type ScriptCell } from './script-run';

/** What an exported script hands to `runScript`. */
export interface ScriptOptions<Flags> {
  /** The script's own file: `__filename` or `import.meta.url`. */
  file: string;
  /** The notebook, relative to the script. The cells run in its folder, as they do in Jupyter. */
  notebook: string;
  flags?: Flags;
  /** The cells, one after the other, each called through `cell`; `values` are the flags'. */
  main(cell: ScriptCell, values: FlagValues<Flags>): Promise<void>;
}

/**
 * Runs an exported script: reads its flags, runs its cells in the notebook's folder, and writes displays,
 * the cells' last values (`results.jsonl`), progress, `script.json` and a page (`index.html`) to the folder
 * `--out`. Standard output is left to the cells. Ends the process with 0 when done, 1 when a cell failed (its
 * place and line go to stderr; `process.exit` is such a failure, as in the kernel), 2 for wrong use; stopped by a signal, 75 when SIGTERM left a checkpoint that
 * `--resume` goes on from, else 143, and 130 by SIGINT.
 *
 * @throws When the run's folder cannot be made. What a cell throws ends the process instead.
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
  const notebookFile = path.resolve(path.dirname(file), options.notebook);
  const request = readScriptCommand(file, options.notebook, (options.flags ?? {}) as FlagTable);
  const { values, resume, seed } = request;
  const folder = path.dirname(notebookFile);
  if (!existsSync(folder)) {
    const script = path.basename(file);
    process.stderr.write(
      `Cannot run ${script} as the folder of its notebook must exist: current value is ${folder}\n` +
        `Export the notebook again to where the script is now, or move the script back.\n`,
    );
    process.exit(exitCodes.wrongUse);
  }
  if (request.dryRun) {
    const plan = {
      notebook: notebookFile,
      out: request.directory,
      resume,
      parameters: values,
      seed,
    };
    process.stdout.write(`${JSON.stringify(plan, null, 2)}\n`);
    return;
  }
  const directory = makeRunDirectory(request);
  // The sdk's trainer writes its log there, and goes on from its checkpoint.
  process.env.FLOWBOOK_RUN_DIR = directory;
  if (resume) process.env.FLOWBOOK_RESUME = 'auto';
  else delete process.env.FLOWBOOK_RESUME;
  const sink = new FileSink(directory);
  setDisplaySink(sink);
  const random = seed === undefined ? null : seedMathRandom(seed);
  const run = new ScriptRun({
    file,
    notebookFile,
    directory,
    sink,
    resume,
    json: request.json,
    random,
    parameters: seed === undefined ? values : { ...values, seed },
  });
  process.chdir(folder);
  const exit = process.exit.bind(process);
  process.exit = refuseExit;
  // Once all output is written; timers that cells left running end with the process.
  const end = (code: number): void =>
    void process.stdout.write('', () => process.stderr.write('', () => exit(code)));
  void run.execute((cell) => options.main(cell, values as FlagValues<Flags>)).then(end);
}

/** As the kernel does: the cells below would be left out, and the record would stay that of a run that goes on. */
function refuseExit(code?: number | string | null): never {
  throw new Error(
    `Cannot exit from a cell as the cells below it must run: process.exit(${code ?? ''}) was called; throw an error to end the run`,
  );
}
