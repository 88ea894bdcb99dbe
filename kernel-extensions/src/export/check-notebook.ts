import { spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { KernelClient } from '../kernel/client';
import { readPrintedText } from '../script/printed-text';
import { readResults } from '../script/results';
import { executeNotebook } from '../notebook/execute-notebook';
import { exportScript } from './export-script';
import { injectParameters } from '../notebook/inject-parameters';
import {
  type Cell,
  cellName,
  type Notebook,
  runsInNotebook,
  runsInScript,
} from '../notebook/notebook';
import { readNotebook } from '../notebook/notebook-file';
import { makeOwnFolder } from './own-folder';
import { scriptProgram } from '../script/script-program';

/** What a cell gave: its lines on stdout and the text of its last expression. */
interface CellText {
  printed: string;
  result: string;
}

/**
 * Whether a notebook and its script give the same: exports it, checks types, runs it through the kernel and as a script, and
 * compares what each cell printed, and its last expression, line by line.
 *
 * @param parameters name -> text, for both.
 * @param onWarning sees what the notebook's author should know, type errors aside.
 * @param signal ends both runs at once.
 * @returns what differs first, in words; null when nothing does.
 * @throws the signal's reason once it is aborted.
 */
export async function checkNotebook(
  notebookFile: string,
  parameters: ReadonlyMap<string, string>,
  onWarning: (warning: string) => void = () => undefined,
  signal: AbortSignal | null = null,
): Promise<string | null> {
  const notebook = readNotebook(notebookFile);
  const folder = path.dirname(path.resolve(notebookFile));
  // Beside the notebook, whatever the notebook imports can be found.
  const place = makeOwnFolder(folder, '.flowbook-check-');
  try {
    const script = path.join(place, `${path.basename(notebookFile, '.ipynb')}.ts`);
    const { text, problems, warnings } = await exportScript(notebook, notebookFile, script, true);
    warnings.slice(0, warnings.length - problems.length).forEach(onWarning);
    signal?.throwIfAborted();
    if (problems.length > 0) return problems[0];
    writeFileSync(script, text);
    const directory = path.join(place, 'kernel');
    mkdirSync(directory);
    // The kernel reads the notebook's metadata where a Jupyter server would tell it to.
    const env = { FLOWBOOK_RUN_DIR: directory, JPY_SESSION_NAME: path.resolve(notebookFile) };
    const inKernel = await throughKernel(notebook, { cwd: folder, env }, parameters, signal);
    signal?.throwIfAborted();
    if (typeof inKernel === 'string') return inKernel;
    const asScript = await runScript(script, path.join(place, 'script'), parameters, signal);
    signal?.throwIfAborted();
    if (typeof asScript === 'string') return asScript;
    return firstDifference(notebook, inKernel, asScript);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

async function throughKernel(
  notebook: Notebook,
  where: { cwd: string; env: Record<string, string> },
  parameters: ReadonlyMap<string, string>,
  signal: AbortSignal | null,
): Promise<Map<string, CellText> | string> {
  const copy = structuredClone(notebook);
  injectParameters(copy, parameters);
  const kernel = await KernelClient.start(where);
  const stop = (): void => kernel.kill();
  signal?.addEventListener('abort', stop);
  try {
    signal?.throwIfAborted();
    const { failures } = await executeNotebook(kernel, copy);
    if (failures.length > 0) {
      const { cell, error } = failures[0];
      return `${cellName(copy, cell)} fails in the notebook: ${error.ename}: ${error.evalue}`;
    }
  } finally {
    signal?.removeEventListener('abort', stop);
    await kernel.shutdown();
  }
  return new Map(copy.cells.map((cell) => [cell.id, textOf(cell)]));
}

function textOf({ outputs = [] }: Cell): CellText {
  let printed = '';
  let result = '';
  for (const output of outputs) {
    if (output.output_type === 'stream' && output.name === 'stdout') printed += output.text;
    if (output.output_type === 'execute_result') result = String(output.data['text/plain'] ?? '');
  }
  return { printed, result };
}

async function runScript(
  script: string,
  out: string,
  parameters: ReadonlyMap<string, string>,
  signal: AbortSignal | null,
): Promise<Map<string, CellText> | string> {
  const [program, ...before] = scriptProgram();
  const flags = [...parameters].map(([name, value]) => `--${name}=${value}`);
  const child = spawn(program, [...before, script, ...flags, '--out', out], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (chunk) => (stderr += chunk));
  const stop = (): boolean => child.kill('SIGKILL');
  signal?.addEventListener('abort', stop);
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  signal?.removeEventListener('abort', stop);
  if (code !== 0) {
    const line = stderr.split('\n').find((one) => one.startsWith('Error in ')) ?? stderr.trim();
    return `the script fails: ${line}`;
  }
  const texts = new Map<string, CellText>();
  for (const [id, printed] of readPrintedText(out)) texts.set(id, { printed, result: '' });
  for (const { cell, text = '' } of readResults(out)) {
    texts.set(cell, { printed: texts.get(cell)?.printed ?? '', result: text });
  }
  return texts;
}

function firstDifference(
  notebook: Notebook,
  inKernel: ReadonlyMap<string, CellText>,
  asScript: ReadonlyMap<string, CellText>,
): string | null {
  const nothing: CellText = { printed: '', result: '' };
  for (const cell of notebook.cells) {
    if (!runsInNotebook(cell) || !runsInScript(cell)) continue;
    const [one, other] = [inKernel.get(cell.id) ?? nothing, asScript.get(cell.id) ?? nothing];
    for (const [what, key] of [
      ['line', 'printed'],
      ['last expression, line', 'result'],
    ] as const) {
      const [a, b] = [one[key].split('\n'), other[key].split('\n')];
      const index = a.findIndex((line, at) => line !== b[at]);
      const at = index < 0 && b.length > a.length ? a.length : index;
      if (at < 0) continue;
      return `${cellName(notebook, cell)} differs, ${what} ${at + 1}: the notebook says ${show(a[at])}, the script ${show(b[at])}`;
    }
  }
  return null;
}

function show(line: string | undefined): string {
  if (line === undefined) return 'nothing';
  return JSON.stringify(line.length > 200 ? `${line.slice(0, 197)}...` : line);
}
