import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import { runFolders } from '@flowbook/sdk';
import { Command, CommanderError } from 'commander';
import { parse as parseYaml } from 'yaml';
import { exitCodes } from './exit-codes';
import { addFlags, type FlagTable, valueReader } from './flags';
import { parameterFrom } from '../notebook/parameter-value';
import { RUNS, type WantedDirectory, wantedDirectory } from '../run-folder/run-directory';
import { seedRule } from './own-flags';
import { readRecord, recordFile } from './script-record';

/** What a script was asked for. */
export interface ScriptRequest extends WantedDirectory {
  /** The parameters' values by name. */
  values: Record<string, unknown>;
  /** Whether a run in that folder is to be taken up. */
  resume: boolean;
  json: boolean;
  dryRun: boolean;
  /** For scripts whose notebook declares no seed: what `Math.random` follows from. */
  seed: number | undefined;
}

/** Reads a script's command line. Ends the process with 2 where it is wrong, with 0 for `--help`. */
export function readScriptCommand(file: string, notebook: string, flags: FlagTable): ScriptRequest {
  const name = path.basename(file, path.extname(file));
  const command = new Command(path.basename(file))
    .description(`The cells of ${path.basename(notebook)} as a script.`)
    .exitOverride();
  addFlags(command, flags);
  command.option(
    '-f, --params <file>',
    'values of the flags above, YAML or JSON; flags given here win',
  );
  if (!('seed' in flags)) {
    command.option(
      '--seed <number>',
      'what Math.random in the cells follows from',
      valueReader(seedRule),
    );
  }
  command
    .option('--out <folder>', 'where charts, pictures and results go (default: runs/<time>-<name>)')
    .option(
      '--resume [folder]',
      'go on with the run in a folder, or in --out, or the newest one that has not ended',
    )
    .option('--json', 'progress as a JSON object a line, on stderr', false)
    .option('--dry-run', 'print what would run, as JSON, and run nothing', false)
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 a cell failed, 2 wrong use, 75 stopped by SIGTERM with a checkpoint (--resume goes on), 143 without one, 130 interrupted.',
    );
  try {
    command.parse();
    return request(command, name, flags);
  } catch (error) {
    if (error instanceof CommanderError)
      process.exit(error.exitCode === 0 ? exitCodes.done : exitCodes.wrongUse);
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(exitCodes.wrongUse);
  }
}

function request(command: Command, name: string, flags: FlagTable): ScriptRequest {
  const { out, resume, json, dryRun, params, ...values } = command.opts();
  const own = 'seed' in flags ? undefined : (values.seed as number | undefined);
  if (!('seed' in flags)) delete values.seed;
  const folder = runFolder(name, out as string | undefined, resume as string | true | undefined);
  const isGiven = (flag: string): boolean => command.getOptionValueSource(flag) === 'cli';
  const take = (given: Record<string, unknown>, where: string, isExact: boolean): void => {
    for (const [flag, value] of Object.entries(given)) {
      if (!(flag in flags)) {
        if (!isExact) continue;
        const known = Object.keys(flags).join(', ') || 'none';
        throw new Error(
          `Cannot take "${flag}" from ${where} as the script's parameters are: ${known}`,
        );
      }
      if (isGiven(flag)) continue;
      try {
        values[flag] = parameterFrom(flags[flag].rule, value);
      } catch (error) {
        throw new Error(
          `Cannot take "${flag}" from ${where} as it must be ${(error as Error).message}: current value is ${typeof value === 'number' ? value : JSON.stringify(value)}`,
          { cause: error },
        );
      }
    }
  };
  // A run that is taken up keeps its parameters, unless others are given.
  const before = folder.resume ? (readRecord(folder.directory)?.parameters ?? {}) : {};
  take(before, recordFile, false);
  const seed = 'seed' in flags ? undefined : (own ?? (before.seed as number | undefined));
  if (typeof params === 'string') take(readParameterFile(params), params, true);
  return { values, ...folder, json: json === true, dryRun: dryRun === true, seed };
}

function runFolder(
  name: string,
  out: string | undefined,
  resume: string | true | undefined,
): WantedDirectory & { resume: boolean } {
  if (typeof resume === 'string' && resume !== 'auto') {
    const directory = path.resolve(resume);
    if (readRecord(directory)) return { directory, isDefault: false, resume: true };
    throw new Error(
      `Cannot resume as the folder must hold a run's script.json: current value is ${directory}`,
    );
  }
  const known = out ?? (resume === undefined ? undefined : newestUnfinished(name));
  const wanted = wantedDirectory(known, name);
  return { ...wanted, resume: resume !== undefined && readRecord(wanted.directory) !== null };
}

/** The newest run of this script that has not come to its end. */
function newestUnfinished(name: string): string | undefined {
  return runFolders(RUNS, name).find((folder) => {
    const record = readRecord(folder);
    return (
      record !== null && record.state !== 'done' && (record.state !== 'running' || record.lost)
    );
  });
}

/** Names and values from a YAML or JSON file. */
function readParameterFile(file: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`Cannot read parameters: ${(error as Error).message}`, { cause: error });
  }
  let values: unknown;
  try {
    values = parseYaml(text) ?? {};
  } catch (error) {
    throw new Error(`Cannot read ${file} as it must be YAML: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (typeof values === 'object' && !Array.isArray(values))
    return values as Record<string, unknown>;
  throw new Error(
    `Cannot read ${file} as it must hold names and values: current value is ${JSON.stringify(values)}`,
  );
}
