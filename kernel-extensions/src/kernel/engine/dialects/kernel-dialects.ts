import { format as consoleText, inspect } from 'node:util';
import { toBundle } from '../../../display/to-bundle';
import type { MimeBundle } from '../../protocol/outputs';
import type { Dialect } from '../notebook-settings';
import { denoJupyter } from './deno-display';
import { denoNamespace } from './deno-namespace';
import type { DialectHost, KernelDialect } from './dialect';
import { IjavascriptCells } from './ijavascript';

/** The habits of the kernel that a notebook was written for; other kernels' names are there in all of them. */
export function kernelDialect(dialect: Dialect, host: DialectHost): KernelDialect {
  let deno: object | undefined;
  const theDeno = () => (deno ??= denoNamespace(denoJupyter(host)));
  const format = formatOf(dialect);
  const cells = new IjavascriptCells(host, async (value) => {
    return format?.(value) ?? (await toBundle(value)).data;
  });
  const module = { exports: {} };
  const builtins = new Map([
    ['Deno', theDeno],
    ['module', () => module],
    ...(dialect === 'deno' ? browserNames() : []),
    ...cells.builtins,
  ]);
  return {
    builtins,
    globals: dialect === 'deno' ? new Map([['Deno', theDeno()]]) : undefined,
    completionValues: dialect === 'deno' || dialect === 'javascript',
    sloppy: dialect === 'tslab' || dialect === 'javascript',
    showsNull: dialect === 'deno' || dialect === 'javascript',
    begin: (cell) => cells.begin(cell),
    end: (cell, takeName) => cells.end(cell, takeName),
    format,
  };
}

/** Names that Deno has, and Node has not. */
function browserNames(): [string, () => unknown][] {
  return [
    ['window', () => globalThis],
    ['self', () => globalThis],
  ];
}

function formatOf(dialect: Dialect): KernelDialect['format'] {
  switch (dialect) {
    case 'tslab':
      return (value) => ({ 'text/plain': consoleText(value) }); // tslab prints results
    case 'deno':
      return (value) => ({
        'text/plain':
          typeof value === 'string' ? JSON.stringify(value) : inspect(value, { depth: 4 }),
      });
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
  for (const [name, type] of Object.entries(METHODS)) {
    if (typeof methods?.[name] === 'function') bundle[type] = (methods[name] as () => unknown)();
  }
  if (typeof methods?._toMime === 'function') {
    Object.assign(bundle, (methods._toMime as () => MimeBundle)());
  }
  return bundle;
}
