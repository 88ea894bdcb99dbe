/** What a value of an override can be. */
export type OverrideValue =
  string | number | boolean | null | OverrideValue[] | { [key: string]: OverrideValue };

/** Lists and dicts within each other. */
const MAX_DEPTH = 50;

const INT = /^[+-]?(?:0|[1-9](?:_?\d)*)$/;
const FLOAT =
  /^[+-]?(?:(?:(?:0|[1-9](?:_?\d)*)\.|(?:0|[1-9](?:_?\d)*)?\.\d(?:_?\d)*|(?:0|[1-9](?:_?\d)*)(?=[eE]))(?:[eE][+-]?\d(?:_?\d)*)?|inf|nan)$/i;
/** One piece of a value without quotes: an escape, an interpolation, or characters that need neither. */
const PIECE = /\\[\\()[\]{}:=, \t]|\$\{[^}]+\}|[\w/\-\\+.$%*@?|: \t]/y;

/**
 * Reads the value of an override by Hydra's grammar (https://hydra.cc/docs/advanced/override_grammar/basic/): null,
 * booleans, numbers, words, quoted strings, [lists] and {dicts: of them}.
 *
 * Sweeps and functions of that grammar are refused, as one run has one configuration.
 *
 * @throws On what the grammar has not, with the place.
 */
export function parseOverrideValue(text: string): OverrideValue {
  const reader = new Reader(text);
  if (text.trim() === '') return '';
  const value = reader.element(0);
  reader.end();
  return value;
}

class Reader {
  #at = 0;

  constructor(readonly text: string) {}

  end(): void {
    this.#skipSpace();
    if (this.text[this.#at] === ',')
      this.#refuse('several values make a sweep, and a run takes one');
    if (this.#at < this.text.length) this.#refuse('it must end or be quoted there');
  }

  element(depth: number): OverrideValue {
    if (depth > MAX_DEPTH) this.#refuse(`it may be ${MAX_DEPTH} lists or dicts deep`);
    this.#skipSpace();
    switch (this.text[this.#at]) {
      case '[':
        return this.#list(depth);
      case '{':
        return this.#dict(depth);
      case '"':
      case "'":
        return this.#quoted();
      default:
        return this.#primitive({ asKey: false });
    }
  }

  #list(depth: number): OverrideValue[] {
    const items: OverrideValue[] = [];
    this.#at++;
    if (this.#takes(']')) return items;
    do items.push(this.element(depth + 1));
    while (this.#takes(','));
    if (!this.#takes(']')) this.#refuse('a list must go on with "," or end with "]"');
    return items;
  }

  #dict(depth: number): OverrideValue {
    const entries: [string, OverrideValue][] = [];
    this.#at++;
    if (this.#takes('}')) return {};
    do {
      this.#skipSpace();
      const key = String(this.#primitive({ asKey: true }));
      if (!this.#takes(':')) this.#refuse('a key of a dict must be a word and be followed by ":"');
      entries.push([key, this.element(depth + 1)]);
    } while (this.#takes(','));
    if (!this.#takes('}')) this.#refuse('a dict must go on with "," or end with "}"');
    return Object.fromEntries(entries);
  }

  /** A quoted string. Backslashes count only before a quote, where each pair is one. */
  #quoted(): string {
    const quote = this.text[this.#at];
    const begin = this.#at + 1;
    let end = this.text.indexOf(quote, begin);
    while (end !== -1 && /(?:^|[^\\])(?:\\\\)*\\$/.test(this.text.slice(begin, end))) {
      end = this.text.indexOf(quote, end + 1);
    }
    if (end === -1) this.#refuse(`a string that begins with ${quote} must end with it`);
    this.#at = end + 1;
    // The closing quote takes part, as backslashes before it are halved too.
    const body = this.text
      .slice(begin, end + 1)
      .replace(new RegExp(`\\\\+${quote}`, 'g'), (run) => run.replace(/\\(.)/gs, '$1'));
    return body.slice(0, -1);
  }

  #primitive({ asKey }: { asKey: boolean }): string | number | boolean | null {
    const pieces: string[] = [];
    for (;;) {
      PIECE.lastIndex = this.#at;
      const [piece] = PIECE.exec(this.text) ?? [];
      if (piece === undefined || (asKey && (piece === ':' || piece.startsWith('${')))) break;
      pieces.push(piece);
      this.#at += piece.length;
    }
    while (/^[ \t]$/.test(pieces.at(-1) ?? '')) pieces.pop();
    if (pieces.length === 0)
      this.#refuse('a value must stand there, and other signs than words have need quotes');
    if (this.text[this.#at] === '(') this.#refuse('functions are not read');
    const raw = pieces.join('');
    const escaped = pieces.some((piece) => /^\\./s.test(piece));
    return escaped ? pieces.map((piece) => piece.replace(/^\\(.)/s, '$1')).join('') : scalar(raw);
  }

  #takes(sign: string): boolean {
    this.#skipSpace();
    if (this.text[this.#at] !== sign) return false;
    this.#at++;
    return true;
  }

  #skipSpace(): void {
    while (/[ \t]/.test(this.text[this.#at] ?? '')) this.#at++;
  }

  #refuse(rule: string): never {
    throw new Error(`${rule} (character ${this.#at + 1} of the value)`);
  }
}

function scalar(text: string): string | number | boolean | null {
  const word = text.toLowerCase();
  if (word === 'null') return null;
  if (word === 'true' || word === 'false') return word === 'true';
  if (INT.test(text)) return Number(text.replace(/_/g, ''));
  if (FLOAT.test(text)) {
    const digits = word.replace(/_/g, '').replace('inf', 'Infinity').replace('nan', 'NaN');
    return Number(digits.replace(/^[+-]NaN$/, 'NaN'));
  }
  return text;
}
