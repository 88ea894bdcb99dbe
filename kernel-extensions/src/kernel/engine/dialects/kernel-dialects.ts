import { availableParallelism } from 'node:os';
import { format as consoleText, inspect } from 'node:util';
import { toBundle } from '../../../display/to-bundle';
import type { MimeBundle } from '../../../display/bundle';
import type { Dialect } from '../notebook-settings';
import { installDenoConsole } from './deno-console';
import { denoJupyter } from './deno-display';
import { denoInspect, inspectUrlsAsDeno } from './deno-inspect';
import { denoNamespace } from './deno-namespace';
import { DenoTests } from './deno-tests';
import type { DialectHost, KernelDialect } from './dialect';
import { IjavascriptCells } from './ijavascript';

/** The habits of the kernel that a notebook was written for; other kernels' names are there in all of them. */
export function kernelDialect(dialect: Dialect, host: DialectHost): KernelDialect {
  let deno: object | undefined;
  const tests = new DenoTests();
  const theDeno = () => (deno ??= denoNamespace(denoJupyter(host), tests.register));
  const format = formatOf(dialect);
  const cells = new IjavascriptCells(host, async (value) => {
    return format?.(value) ?? (await toBundle(value)).data;
  });
  const module = { exports: {} };
  const builtins = new Map([
    ['Deno', theDeno],
    ['module', () => module],
    ...(dialect === 'deno' ? browserNames(host) : []),
  ]);
  cells.install();
  if (dialect === 'deno') {
    installDenoConsole(console);
    inspectUrlsAsDeno();
  }
  return {
    builtins,
    globalNames: cells.names,
    globals: dialect === 'deno' ? new Map([['Deno', theDeno()]]) : undefined,
    completionValues: dialect === 'deno' || dialect === 'javascript',
    objectCells: dialect === 'deno',
    sloppy: dialect === 'tslab' || dialect === 'jslab' || dialect === 'javascript',
    scriptGlobals: dialect === 'deno' || dialect === 'javascript',
    showsNull: dialect === 'javascript',
    showsAtOnce: dialect !== 'deno',
    begin: (cell) => cells.begin(cell),
    hasShown: (cell) => cells.hasShown(cell),
    end: async (cell) => {
      await tests.run((line) => console.log('%s', line));
      await cells.end(cell);
    },
    format,
  };
}

/** As Node has it from 21 on. */
const NAVIGATOR = {
  hardwareConcurrency: availableParallelism(),
  language: 'en-US',
  languages: ['en-US'],
  platform: process.platform,
  userAgent: `Node.js/${process.versions.node.split('.')[0]}`,
};

/** Names that Deno has, and Node has not. Nobody answers a dialog; Deno's own do not ask either where nobody can. */
function browserNames({ currentCell }: DialectHost): [string, () => unknown][] {
  const unanswered =
    <T>(name: string, answer: T) =>
    (): T => {
      if (!currentCell().allowInput) return answer;
      throw new Error(
        `Cannot ask by ${name}() as a cell must wait for input: use "await input(...)" in its place`,
      );
    };
  return [
    ['window', () => globalThis],
    ['self', () => globalThis],
    ['navigator', () => (globalThis as { navigator?: object }).navigator ?? NAVIGATOR],
    ['alert', () => (message: unknown) => console.log('%s', String(message))],
    ['confirm', () => unanswered('confirm', false)],
    ['prompt', () => unanswered('prompt', null)],
  ];
}

function formatOf(dialect: Dialect): KernelDialect['format'] {
  switch (dialect) {
    case 'tslab':
    case 'jslab':
      return (value) => ({ 'text/plain': consoleText(value) }); // tslab prints results
    case 'deno':
      return (value) => ({ 'text/plain': denoInspect(value) });
    case 'javascript':
      return (value) => ijavascriptBundle(value);
    case 'flowbook':
      return undefined;
  }
}

/** Methods by which objects tell ijavascript how they look. */
const METHODS: Record<string, string> = {
  _toHtml: 'text/html',
  _toSvg: 'image/svg+xml',
  _toPng: 'image/png',
  _toJpeg: 'image/jpeg',
};

function ijavascriptBundle(value: unknown): MimeBundle {
  const bundle: MimeBundle = { 'text/plain': inspect(value) };
  const methods = value as Record<string, unknown> | undefined | null;
  const call = (name: string): unknown => {
    if (typeof methods?.[name] !== 'function') return undefined;
    try {
      return (methods[name] as () => unknown)();
    } catch {
      return undefined; // ijavascript, too, goes without it
    }
  };
  for (const [name, type] of Object.entries(METHODS)) {
    const content = call(name);
    if (content !== undefined) bundle[type] = content;
  }
  return Object.assign(bundle, call('_toMime'));
}
