import { spawn } from 'node:child_process';
import * as path from 'node:path';
import { ownFlagOf } from './own-flags';
import { ProcessRunFolder } from './process-run-folder';
import { exitCodes, stoppedCode, type StopSignal } from './exit-codes';
import { isExported } from './exported-script';
import { heedStops } from './heed-stops';
import { scriptProgram } from './script-program';

/** What `flowbook run` was asked for, of a script. */
export interface ScriptFileRun {
  /** An exported notebook, or any .ts or .js file. */
  scriptFile: string;
  /** Exists; what a script's run leaves is written there. */
  directory: string;
  parameters: ReadonlyMap<string, string>;
  /** Further flags of the script, as they are. */
  flags: readonly string[];
  /** Goes on with the run in the folder. */
  resume: boolean;
}

/** How the process of a script ended. */
interface ProcessEnd {
  code: number | null;
  signal: NodeJS.Signals | null;
  /** The signal that this process got first. */
  by: StopSignal | null;
}

const known: readonly number[] = Object.values(exitCodes);

/** Whether `flowbook run` runs the file in plain Node. */
export function isScriptFile(file: string): boolean {
  return /\.[cm]?[jt]s$/.test(file);
}

/**
 * Runs a script in a Node process of its own, in the folder that this process is in; standard output is the script's. Parameters
 * become flags, `--name=value`. An exported script writes its run's folder itself; of any other, which finds the folder in
 * FLOWBOOK_RUN_DIR, this process keeps record, standard output and page there.
 *
 * @returns the exit code, one of `exitCodes`; any other of the script's counts as failed.
 */
export async function runScriptFile(run: ScriptFileRun): Promise<number> {
  const { scriptFile, directory, parameters, flags, resume } = run;
  const given = [...[...parameters].map(([name, value]) => `--${name}=${value}`), ...flags];
  const again = resume ? ['--resume', 'auto'] : [];
  if (isExported(scriptFile)) {
    const reserved = [...parameters.keys()].find((name) => ownFlagOf(name) !== null);
    if (reserved !== undefined) {
      say(`Cannot set "${reserved}" as it is a flag that every script has, not one of its own`);
      return exitCodes.wrongUse;
    }
    const end = await start(run, [...given, '--out', directory, ...again], () => undefined);
    return codeOf(end, run);
  }
  const folder = new ProcessRunFolder(
    directory,
    { file: path.resolve(scriptFile), parameters: Object.fromEntries(parameters) },
    resume,
  );
  const end = await start(run, [...given, ...again], (chunk) => folder.prints(chunk));
  const exitCode = codeOf(end, run);
  const isStopped = end.by !== null && exitCode !== exitCodes.done;
  const state = isStopped ? 'stopped' : exitCode === exitCodes.done ? 'done' : 'failed';
  const error = state === 'failed' ? inWords(end, scriptFile) : null;
  folder.end({ state, exitCode, error });
  return exitCode;
}

/** Starts the script in a group of its own: a Ctrl-C at the terminal reaches it once, by this process. */
async function start(
  { scriptFile, directory, resume }: ScriptFileRun,
  flags: readonly string[],
  onPrint: (chunk: Buffer) => void,
): Promise<ProcessEnd> {
  const [program, ...before] = /\.[cm]?js$/.test(scriptFile) ? [process.execPath] : scriptProgram();
  const env: NodeJS.ProcessEnv = { ...process.env, FLOWBOOK_RUN_DIR: directory };
  if (resume) env.FLOWBOOK_RESUME = 'auto';
  else delete env.FLOWBOOK_RESUME;
  const child = spawn(program, [...before, path.resolve(scriptFile), ...flags], {
    stdio: ['inherit', 'pipe', 'inherit'],
    detached: true,
    env,
  });
  child.stdout!.on('data', (chunk: Buffer) => {
    onPrint(chunk);
    process.stdout.write(chunk);
  });
  return new Promise((resolve, reject) => {
    // The script ends at once at a second one, as `runScript` does.
    const pass = (signal: StopSignal): void => void child.kill(signal);
    const stops = heedStops(pass, pass);
    child.once('error', reject);
    child.once('close', (code, signal) => {
      stops.end();
      resolve({ code, signal, by: stops.by });
    });
  });
}

function codeOf(end: ProcessEnd, { scriptFile, directory }: ScriptFileRun): number {
  const { code, signal, by } = end;
  if (code !== null && known.includes(code)) return code;
  if (signal === 'SIGINT' || signal === 'SIGTERM') return stoppedCode(by ?? signal, directory);
  say(inWords(end, scriptFile));
  return exitCodes.failed;
}

function inWords({ code, signal }: ProcessEnd, scriptFile: string): string {
  const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
  return `${path.basename(scriptFile)} ended ${how}`;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
