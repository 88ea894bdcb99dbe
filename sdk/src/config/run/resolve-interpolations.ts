import { parseOverrideValue } from './override-value';

type Node = Record<string, unknown>;

/** Values that refer to each other further than this refer to themselves. */
const MAX_DEPTH = 64;

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Puts values in the place of interpolations, as OmegaConf does: `${a.b}`, relative `${.b}`, `${oc.select:a.b,default}` and
 * `${oc.env:NAME,default}`, alone (the value keeps its type) or within a text.
 *
 * @returns A tree without interpolations.
 * @throws When a key is not there, values refer to themselves, or another resolver is asked for; names the key.
 */
export function resolveInterpolations(root: Node): Node {
  return new Resolver(root).tree(root, [], 0) as Node;
}

class Resolver {
  constructor(readonly root: Node) {}

  tree(value: unknown, path: readonly string[], depth: number): unknown {
    if (typeof value === 'string') return this.#text(value, path, depth);
    if (Array.isArray(value)) {
      return value.map((item, index) => this.tree(item, [...path, String(index)], depth));
    }
    if (!isNode(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, this.tree(item, [...path, key], depth)]),
    );
  }

  #text(text: string, path: readonly string[], depth: number): unknown {
    if (!text.includes('${')) return text;
    if (depth > MAX_DEPTH) throw this.#refusal(path, text, 'it refers to itself');
    const pieces: unknown[] = [];
    let at = 0;
    for (;;) {
      const begin = text.indexOf('${', at);
      if (begin === -1) break;
      if (text[begin - 1] === '\\') {
        pieces.push(text.slice(at, begin - 1), '${');
        at = begin + 2;
        continue;
      }
      const end = closing(text, begin);
      if (end === -1) throw this.#refusal(path, text, 'it must be closed by "}"');
      if (begin > at) pieces.push(text.slice(at, begin));
      pieces.push(this.#interpolation(text.slice(begin + 2, end), path, depth));
      at = end + 1;
    }
    if (at < text.length) pieces.push(text.slice(at));
    return pieces.length === 1 ? pieces[0] : pieces.map(pythonText).join('');
  }

  #interpolation(inside: string, path: readonly string[], depth: number): unknown {
    const body = pythonText(this.#text(inside, path, depth + 1));
    const [, resolver, argumentText] = /^([\w.]+):(.*)$/s.exec(body) ?? [];
    if (resolver === undefined) {
      const value = this.#select(body, path, depth);
      if (value === undefined) {
        throw this.#refusal(path, `\${${inside}}`, `there is no key "${body}"`);
      }
      return value;
    }
    const [first, ...others] = argumentText.split(',');
    const fallback = (): unknown =>
      others.length === 0 ? null : parseOverrideValue(others.join(','));
    if (resolver === 'oc.select') {
      const value = this.#select(first.trim(), path, depth);
      return value === undefined || value === '???' ? fallback() : value;
    }
    if (resolver === 'oc.env') {
      const value = process.env[first.trim()] ?? fallback();
      if (value !== null || others.length > 0) return value;
      throw this.#refusal(path, `\${${inside}}`, `the environment has no ${first.trim()}`);
    }
    throw this.#refusal(path, `\${${inside}}`, 'known resolvers are oc.select and oc.env');
  }

  /** The value of a dotted key, from the top, or with leading dots from the section that holds `path`. */
  #select(key: string, path: readonly string[], depth: number): unknown {
    const [, dots, rest] = /^(\.*)(.*)$/s.exec(key) as RegExpExecArray;
    const parts = rest.split('.').filter((part) => part !== '');
    const full = dots === '' ? parts : [...path.slice(0, path.length - dots.length), ...parts];
    let value: unknown = this.root;
    for (const [index, part] of full.entries()) {
      if (typeof value === 'string') {
        value = this.#text(value, full.slice(0, index), depth + 1);
      }
      if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) {
        return undefined;
      }
      value = (value as Node)[part];
    }
    return this.tree(value, full, depth + 1);
  }

  #refusal(path: readonly string[], text: string, rule: string): Error {
    return new Error(
      `Cannot read the configuration as ${path.join('.')} refers to another key and ${rule}: current value is ${text}`,
    );
  }
}

/** Index of the brace that closes the interpolation which begins at `begin`, or -1. */
function closing(text: string, begin: number): number {
  let open = 0;
  for (let k = begin; k < text.length; k++) {
    if (text.startsWith('${', k)) open++;
    else if (text[k] === '}' && --open === 0) return k;
  }
  return -1;
}

/** A value within a text, spelled as Python does. */
function pythonText(value: unknown): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
