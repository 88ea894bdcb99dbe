import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createContext, Script } from 'node:vm';

/** What the library makes of a template's expression, as far as it is counted. */
interface RuntimeValue {
  type: string;
  value: unknown;
}

/** A part of a template, by its kind. */
interface Statement {
  type: string;
  /** Of `a[b]`, b. */
  property?: Statement;
}

interface Library {
  Template: new (source: string) => { render(values: Record<string, unknown>): string };
  Interpreter: {
    prototype: { evaluate(statement?: Statement, scope?: unknown): RuntimeValue | undefined };
  };
}

/** The context's own, which the library builds lists and texts with. */
interface BuiltIns {
  Array: ArrayConstructor;
  String: StringConstructor;
  JSON: JSON;
}

/** What a template may make in all, in bytes, what is garbage by then included. */
const MOST_BYTES = 64e6;
const CHARACTER_BYTES = 2;
const POINTER_BYTES = 8;
/** A value of its own in a list. */
const ENTRY_BYTES = 64;
/** What a loop keeps of each round. */
const ROUND_BYTES = 128;
const OBJECT_BYTES = 300;

let bytesLeft = MOST_BYTES;

function count(bytes: number): void {
  bytesLeft -= bytes;
  if (bytesLeft >= 0) return;
  throw new Error(`it must make at most ${MOST_BYTES / 1e6} MB of texts, lists and loops`);
}

type Method = (this: never, ...values: never[]) => unknown;

/** Has a built-in of the context count what it is about to make. */
function countBefore<Owner, Name extends keyof Owner>(
  owner: Owner,
  name: Name,
  bytes: (self: never, ...values: never[]) => number,
): void {
  const original = owner[name] as Method;
  owner[name] = function (this: never, ...values: never[]) {
    count(bytes(this, ...values));
    return original.apply(this, values);
  } as Owner[Name];
}

function piecesOf(text: string, separator: string | RegExp): number {
  let pieces = 1;
  if (typeof separator !== 'string' || separator === '') return text.length;
  for (let at = text.indexOf(separator); at >= 0; pieces++) {
    at = text.indexOf(separator, at + separator.length);
  }
  return pieces;
}

/** Counts what can make more of what it is given than is there. What copies at most is counted by `countResults`. */
function countBuiltIns({ Array: List, String: Text, JSON: Json }: BuiltIns): void {
  const texts = Text.prototype;
  countBefore(
    texts,
    'repeat',
    (self: string, times: number) => CHARACTER_BYTES * self.length * times,
  );
  countBefore(
    texts,
    'split',
    (self: string, by: string | RegExp) => ENTRY_BYTES * piecesOf(self, by),
  );
  // A control character takes six: \u0000.
  countBefore(
    Json,
    'stringify',
    (_, { length = 0 }: { length?: number }) => 6 * CHARACTER_BYTES * length,
  );
  for (const name of ['replace', 'replaceAll'] as const) {
    const original = texts[name] as (pattern: RegExp, by: unknown) => string;
    texts[name] = function (this: string, pattern: RegExp, by: unknown) {
      count(2 * CHARACTER_BYTES * this.length);
      const counted = (...found: string[]) => {
        const text = (by as (...found: string[]) => string)(...found);
        count(CHARACTER_BYTES * text.length + ENTRY_BYTES);
        return text;
      };
      return original.call(this, pattern, typeof by === 'function' ? counted : by);
    } as never;
  }
  countBefore(List, 'from', (_, given: ArrayLike<unknown>) =>
    typeof given === 'string' ? 2 * POINTER_BYTES * (given as string).length : 0,
  );
  const lists = List.prototype as unknown[];
  countBefore(lists, 'map', ({ length }: unknown[]) => POINTER_BYTES * length);
  countBefore(lists, 'push', (_, value: unknown) =>
    typeof value === 'function' ? ROUND_BYTES : ENTRY_BYTES / 2,
  );
  const join = lists.join;
  lists.join = function (this: unknown[], separator = ',') {
    const each = Array.from(this, (value) =>
      value === null || value === undefined ? '' : `${value as string}`,
    );
    const characters = each.reduce((sum, { length }) => sum + length, 0);
    count(CHARACTER_BYTES * (characters + separator.length * each.length));
    return join.call(each, separator);
  };
}

/** Counts what expressions and blocks come to, unless they only name what is there. */
function countResults({ Interpreter }: Library): void {
  const { evaluate } = Interpreter.prototype;
  Interpreter.prototype.evaluate = function (statement, scope) {
    const result = evaluate.call(this, statement, scope);
    const isSlice = statement?.property?.type === 'SliceExpression';
    const isName = statement?.type === 'Identifier' || statement?.type === 'MemberExpression';
    if (isName && !isSlice) return result;
    // `first` of an empty list comes to nothing at all.
    const { type, value } = result ?? {};
    if (type === 'StringValue') count(CHARACTER_BYTES * (value as string).length);
    else if (type === 'ArrayValue' || type === 'TupleValue') {
      const onlyPoints = isSlice || statement?.type === 'BinaryExpression';
      count(
        OBJECT_BYTES + (onlyPoints ? POINTER_BYTES : ENTRY_BYTES) * (value as unknown[]).length,
      );
    } else if (type === 'ObjectValue') {
      count(OBJECT_BYTES + OBJECT_BYTES * (value as Map<string, unknown>).size);
    }
    return result;
  };
}

/** The library in a context of its own, whose built-ins count what a template makes: doubled lists may end the process. */
function loadLibrary(): Library {
  const path = createRequire(__filename).resolve('@huggingface/jinja');
  const context = createContext({ module: { exports: {} } });
  new Script(readFileSync(path, 'utf8'), { filename: path }).runInContext(context);
  const library = new Script('module.exports').runInContext(context) as Library;
  countBuiltIns(new Script('({ Array, String, JSON })').runInContext(context) as BuiltIns);
  countResults(library);
  return library;
}

let library: Library | null = null;

/**
 * Renders a Jinja template that nobody vouches for. It must be called within a time limit.
 *
 * @throws When the template fails, or makes more than 64 MB of texts, lists and loops in all.
 */
export function renderBounded(source: string, values: Record<string, unknown>): string {
  library ??= loadLibrary();
  bytesLeft = MOST_BYTES;
  return new library.Template(source).render(values);
}
