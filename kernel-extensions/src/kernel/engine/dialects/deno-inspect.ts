import { inspect, type InspectOptions } from 'node:util';

const ESCAPE = String.fromCharCode(27);
const START = `${ESCAPE}\\[32m`;
const END = `${ESCAPE}\\[39m`;
/** Node's inspection marks what is a string by its colour, which tells quotes of strings from other ones. */
const STRINGS = new RegExp(`${START}(?=['"\`])([^]*?)${END}`, 'g');
const BOXED_STRING = new RegExp(`${START}\\[String: ([^]*?)\\]${END}`, 'g');
const SYMBOL_KEY = new RegExp(`\\[${START}(Symbol\\([^]*?\\))${END}\\]: `, 'g');
const COLOURS = new RegExp(`${ESCAPE}\\[\\d+m`, 'g');
const QUOTES = ['"', "'", '`'];

const defaults: InspectOptions = { depth: 4, breakLength: 80, compact: 3 };

/** A value as Deno's console shows it: as Node's, four levels deep and with double quotes. */
export function denoInspect(value: unknown, options: InspectOptions = {}): string {
  return inspect(value, { ...defaults, ...options, colors: true })
    .replace(STRINGS, (_, literal: string) => requoted(literal))
    .replace(BOXED_STRING, (_, literal: string) => `[String: ${requoted(literal)}]`)
    .replace(SYMBOL_KEY, '$1: ')
    .replace(COLOURS, '');
}

/** A literal of Node's, which prefers single quotes, as one in Deno's style. */
function requoted(literal: string): string {
  const inner = literal.slice(1, -1);
  const text = literal.startsWith("'") ? inner.replaceAll("\\'", "'") : inner;
  const quote = QUOTES.find((one) => !text.includes(one)) ?? QUOTES[0];
  return quote + (text.includes(quote) ? text.replaceAll(quote, `\\${quote}`) : text) + quote;
}

/** In Deno's order, and without what `search` says already. */
export function inspectUrlsAsDeno(): void {
  const names = ['href', 'origin', 'protocol', 'username', 'password', 'host', 'hostname'] as const;
  const named = { URL: class {} };
  Object.defineProperty(URL.prototype, inspect.custom, {
    configurable: true,
    writable: true,
    value(this: URL, depth: number, options: InspectOptions) {
      const shown = new named.URL();
      for (const name of [...names, 'port', 'pathname', 'hash', 'search'] as const) {
        Object.assign(shown, { [name]: this[name] });
      }
      return inspect(shown, { ...options, depth });
    },
  });
}
