import { Command } from 'commander';
import * as path from 'node:path';
import { findNotebook, notebooksFolder } from '../launch/find-notebook';
import { headlessRun } from '../launch/headless-run';
import { JupyterServer } from '../launch/jupyter-server';
import { runDirectory } from '../notebook/run-directory';
import { setupPieces } from './setup-pieces';

interface LabFlags {
  browser: boolean;
  headless?: string;
  out?: string;
  port: string;
  root?: string;
  parameter: string[];
}

/** `flowbook lab`: JupyterLab at the notebooks, or with `--headless` one notebook through a Jupyter server. */
export function labCommand(): Command {
  return new Command('lab')
    .description('open JupyterLab at the notebooks, or run one of them through a Jupyter server')
    .option('--headless <name>', 'run the notebook of that name and end')
    .option(
      '-p, --parameter <name=value>',
      'with --headless: set a parameter (repeatable)',
      collect,
      [],
    )
    .option(
      '--out <folder>',
      'with --headless: folder for the executed notebook (default: runs/<time>-<name>)',
    )
    .option('--root <folder>', 'folder to show (default: notebooks)')
    .option('--port <number>', 'first port to try', '8888')
    .option('--no-browser', 'print the address and open nothing')
    .action(async (flags: LabFlags) => {
      process.exitCode =
        flags.headless === undefined ? await openLab(flags) : await runHeadless(flags);
    });
}

const collect = (value: string, all: string[]): string[] => [...all, value];

async function jupyter(): Promise<{ cache: string; python: string }> {
  const setup = await setupPieces();
  const cache = setup.cacheFolder();
  if (!setup.isJupyterReady(cache)) {
    throw new Error('Cannot start Jupyter as JupyterLab must be set up: run "npx flowbook setup"');
  }
  return { cache, python: setup.venvPython(setup.jupyterFolder(cache)) };
}

function canOpenBrowser(): boolean {
  if (process.env.CI) return false;
  if (process.platform !== 'linux') return true;
  return Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);
}

/** Calls `stop` on Ctrl-C or a polite kill, once. */
function onStopSignal(stop: (signal: NodeJS.Signals) => void): () => void {
  const signals: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.once(signal, stop);
  return () => signals.forEach((signal) => process.removeListener(signal, stop));
}

async function openLab(flags: LabFlags): Promise<number> {
  const server = await JupyterServer.start({
    ...(await jupyter()),
    rootFolder: path.resolve(flags.root ?? notebooksFolder()),
    port: Number(flags.port),
    openBrowser: flags.browser && canOpenBrowser(),
    onLog: (line) => process.stderr.write(`${line}\n`),
  });
  process.stdout.write(`\nJupyterLab: ${server.labAddress}\nCtrl-C ends it and its kernels.\n`);
  let wasStopped = false;
  const forget = onStopSignal(() => {
    wasStopped = true;
    void server.stop();
  });
  const code = await server.ended;
  forget();
  return wasStopped ? 0 : code;
}

async function runHeadless(flags: LabFlags): Promise<number> {
  const folder = path.resolve(flags.root ?? notebooksFolder());
  const notebook = findNotebook(flags.headless!, folder);
  const name = path.basename(notebook, '.ipynb');
  const besideNotebooks = path.join(path.dirname(folder), runDirectory(name));
  const controller = new AbortController();
  const forget = onStopSignal((signal) => controller.abort(new Error(`stopped by ${signal}`)));
  try {
    const { file, failure } = await headlessRun({
      ...(await jupyter()),
      notebook,
      runFolder: path.resolve(flags.out ?? besideNotebooks),
      signal: controller.signal,
      onCell: (cell) => process.stderr.write(`${name}: ${cell}\n`),
      onText: (stream, text) => process[stream].write(text),
    });
    if (failure) {
      const { cell, ename, evalue, traceback } = failure;
      const trace = traceback.length > 0 ? traceback.join('\n') : `${ename}: ${evalue}`;
      process.stderr.write(`\n${name}: error in ${cell}\n${trace}\n`);
    }
    process.stdout.write(`\nWrote ${path.relative(process.cwd(), file) || file}\n`);
    return failure ? 1 : 0;
  } finally {
    forget();
  }
}
