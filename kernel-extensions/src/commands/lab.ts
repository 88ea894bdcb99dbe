import * as path from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { findNotebook, notebooksFolder } from '../launch/find-notebook';
import { headlessRun } from '../launch/headless-run';
import { JupyterServer } from '../launch/jupyter-server';
import type { CellError } from '../notebook/execute-notebook';
import { cellName } from '../notebook/notebook';
import { runDirectory } from '../notebook/run-directory';
import { setupPieces } from './setup-pieces';

interface LabFlags {
  browser: boolean;
  headless?: string;
  out?: string;
  port: string;
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
      collect,
      new Map(),
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

function collect(text: string, before: Map<string, string>): Map<string, string> {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (name === undefined) throw new InvalidArgumentError('It must be name=value.');
  return new Map([...before, [name, value]]);
}

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

/** Aborts on Ctrl-C or a polite kill. */
function stopSignal(): { signal: AbortSignal; forget: () => void } {
  const controller = new AbortController();
  const stop = (name: string): void => controller.abort(new Error(`stopped by ${name}`));
  const names: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const name of names) process.on(name, stop);
  const forget = (): void => names.forEach((name) => process.removeListener(name, stop));
  return { signal: controller.signal, forget };
}

async function openLab(flags: LabFlags): Promise<number> {
  const { signal, forget } = stopSignal();
  try {
    const server = await JupyterServer.start({
      ...(await jupyter()),
      rootFolder: path.resolve(flags.root ?? notebooksFolder()),
      port: Number(flags.port),
      openBrowser: flags.browser && canOpenBrowser(),
      onLog: (line) => process.stderr.write(`${line}\n`),
      signal,
    });
    process.stdout.write(`\nJupyterLab: ${server.labAddress}\nCtrl-C ends it and its kernels.\n`);
    signal.addEventListener('abort', () => void server.stop());
    const code = await server.ended;
    return signal.aborted ? 0 : code;
  } finally {
    forget();
  }
}

async function runHeadless(flags: LabFlags): Promise<number> {
  const folder = path.resolve(flags.root ?? notebooksFolder());
  const notebookFile = findNotebook(flags.headless!, folder);
  const name = path.basename(notebookFile, '.ipynb');
  const besideNotebooks = path.join(path.dirname(folder), runDirectory(name));
  const { signal, forget } = stopSignal();
  let progress = '';
  try {
    const { notebook, failures, file } = await headlessRun({
      ...(await jupyter()),
      notebookFile,
      runFolder: path.resolve(flags.out ?? besideNotebooks),
      parameters: flags.parameter,
      signal,
      onCellStart: (cell, index, total) => {
        progress = `[${index + 1}/${total}] ${cell.id}`;
      },
      onCellEnd: (_cell, seconds) => process.stderr.write(`${progress} ${seconds.toFixed(1)} s\n`),
      onText: (stream, text) => process[stream].write(text),
    });
    for (const { cell, error } of failures) {
      process.stderr.write(`\nError in ${cellName(notebook, cell)}: ${describe(error)}\n`);
    }
    process.stdout.write(`\nWrote ${path.relative(process.cwd(), file) || file}\n`);
    if (signal.aborted) return 130;
    return failures.length > 0 ? 1 : 0;
  } finally {
    forget();
  }
}

function describe({ ename, evalue, traceback }: CellError): string {
  // eslint-disable-next-line no-control-regex -- tracebacks are coloured for notebooks
  const lines = traceback.join('\n').replace(/\u001b\[[0-9;]*m/g, '');
  return lines.includes(evalue) ? `\n${lines}` : `${ename}: ${evalue}\n${lines}`;
}
