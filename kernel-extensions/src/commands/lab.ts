import * as path from 'node:path';
import { Command } from 'commander';
import { notebooksFolder } from '../launch/find-notebook';
import { JupyterServer } from '../launch/jupyter-server';
import { stopSignal } from './stop-signal';
import { wholeNumberFrom } from './whole-number';
import { installedJupyter } from '../setup/setup-pieces';
import { collectNameValue } from './name-value';

interface LabFlags {
  browser: boolean;
  headless?: string;
  out?: string;
  port: number;
  root?: string;
  parameter: Map<string, string>;
}

/** `flowbook lab`: JupyterLab at the notebooks, or with `--headless` one notebook through a Jupyter server. */
export function labCommand(): Command {
  return new Command('lab')
    .description('open JupyterLab at the notebooks, or run one of them through a Jupyter server')
    .option('--headless <name>', 'run the notebook of that name and end')
    .option(
      '-p, --parameter <name=value>',
      'with --headless: set a parameter (repeatable)',
      collectNameValue,
      new Map(),
    )
    .option(
      '--out <folder>',
      'with --headless: where the run writes, as that of "flowbook run" does (default: runs/<time>-<name>)',
    )
    .option('--root <folder>', 'folder to show (default: notebooks)')
    .option(
      '--port <number>',
      'first port to try; 0: any that is free',
      wholeNumberFrom(0, 65_535),
      8888,
    )
    .option('--no-browser', 'print the address and open nothing')
    .addHelpText(
      'after',
      '\nWith --headless, exit codes are those of "flowbook run". A run that was stopped goes on by\n"flowbook run NOTEBOOK --out FOLDER --resume" with the same parameters.',
    )
    .action(async (flags: LabFlags) => {
      if (flags.headless === undefined) {
        process.exitCode = await openLab(flags);
        return;
      }
      // It loads the TypeScript compiler and the Jupyter client, which no other command needs to wait for.
      const { runHeadless } = await import('./headless.js');
      process.exitCode = await runHeadless(flags.headless, flags);
    });
}

function canOpenBrowser(): boolean {
  if (process.env.CI) return false;
  if (process.platform !== 'linux') return true;
  return Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);
}

async function openLab(flags: LabFlags): Promise<number> {
  const jupyter = await installedJupyter();
  if (!jupyter) {
    throw new Error(
      'Cannot open JupyterLab as it must be set up: run "npx flowbook setup" (notebooks run without it: "npx flowbook run NAME.ipynb")',
    );
  }
  const { signal, code, forget } = stopSignal();
  try {
    const server = await JupyterServer.start({
      ...jupyter,
      rootFolder: path.resolve(flags.root ?? notebooksFolder()),
      port: flags.port,
      openBrowser: flags.browser && canOpenBrowser(),
      onLog: (line) => process.stderr.write(`${line}\n`),
      signal,
    });
    process.stdout.write(`\nJupyterLab: ${server.labAddress}\nCtrl-C ends it and its kernels.\n`);
    signal.addEventListener('abort', () => void server.stop());
    const ended = await server.ended;
    return signal.aborted ? 0 : ended;
  } catch (error) {
    const stopped = code();
    if (stopped === null) throw error;
    return stopped;
  } finally {
    forget();
  }
}
