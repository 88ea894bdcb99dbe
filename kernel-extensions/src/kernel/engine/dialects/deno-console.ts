import { format, inspect } from 'node:util';
import { denoInspect } from './deno-inspect';

const OF_VALUES = ['log', 'info', 'debug', 'error', 'warn'] as const;
const INTEGER = /^-?\d+$/;

/** Makes `console` print as Deno's does, on Node's streams. */
export function installDenoConsole(console: Console): void {
  const { log } = console;
  for (const name of OF_VALUES) {
    const print = console[name].bind(console);
    console[name] = (...values: unknown[]) => print('%s', denoText(values));
  }
  console.dir = (value: unknown, options?: object) => log('%s', denoInspect(value, options));
  console.table = (data: unknown, columns?: string[]) => {
    const isTabular = typeof data === 'object' && data !== null;
    if (isTabular) log('%s', denoTable(data, columns));
    else console.log(data);
  };
}

/** What `console.log(...values)` prints. */
function denoText(values: unknown[]): string {
  return format(
    ...values.map((value) => {
      const isShown = (typeof value === 'object' && value !== null) || typeof value === 'function';
      return isShown ? { [inspect.custom]: () => denoInspect(value), toJSON: () => value } : value;
    }),
  );
}

/** What `console.table(data, columns)` prints. */
function denoTable(data: object, columns?: string[]): string {
  const isMap = data instanceof Map;
  const isCollection = isMap || data instanceof Set;
  const rows: [string, unknown, unknown][] = isMap
    ? [...data].map(([key, value], index) => [String(index), value, key])
    : data instanceof Set
      ? [...data].map((value, index) => [String(index), value, undefined])
      : Object.entries(data).map(([index, value]) => [index, value, undefined]);
  const names = new Set<string>(columns);
  let hasValues = false;
  for (const [, value] of rows) {
    if (typeof value !== 'object' || value === null) hasValues = true;
    else if (!columns) Object.keys(value).forEach((name) => names.add(name));
  }
  const cell = (value: unknown) => denoInspect(value, { depth: 1, breakLength: Infinity });
  const lines = rows.map(([index, value, key]) => {
    const isRow = typeof value === 'object' && value !== null;
    return [
      index,
      ...(isMap ? [cell(key)] : []),
      ...[...names].map((name) =>
        isRow && Object.hasOwn(value, name) ? cell((value as Record<string, unknown>)[name]) : '',
      ),
      ...(hasValues ? [isRow ? '' : cell(value)] : []),
    ];
  });
  const index = isCollection ? '(iter idx)' : '(idx)';
  const header = [index, ...(isMap ? ['Key'] : []), ...names, ...(hasValues ? ['Values'] : [])];
  return drawTable(header, lines);
}

function drawTable(header: string[], lines: string[][]): string {
  const columns = header.map((name, n) => {
    const cells = lines.map((line) => line[n]);
    const width = Math.max(...[name, ...cells].map((text) => text.length));
    return { width, isRight: cells.every((text) => INTEGER.test(text)) };
  });
  const rule = (left: string, middle: string, right: string) =>
    left + columns.map(({ width }) => '─'.repeat(width + 2)).join(middle) + right;
  const row = (texts: string[], isHeader = false) => {
    const padded = texts.map((text, n) => {
      const { width, isRight } = columns[n];
      return isRight && !isHeader ? text.padStart(width) : text.padEnd(width);
    });
    return `│ ${padded.join(' │ ')} │`;
  };
  return [
    rule('┌', '┬', '┐'),
    row(header, true),
    rule('├', '┼', '┤'),
    ...lines.map((line) => row(line)),
    rule('└', '┴', '┘'),
  ].join('\n');
}
