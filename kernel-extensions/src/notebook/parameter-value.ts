/** The kinds of values that a parameter can have. */
export type ParameterKind = 'number' | 'string' | 'boolean' | 'number[]' | 'string[]' | 'choice';

/** What a text must be to become a parameter's value. */
export interface ParameterRule {
  kind: ParameterKind;
  /** Of a choice: its values. */
  choices?: readonly (string | number | boolean | null)[];
  /** Of a number: whether it must be a whole one from 0. */
  isWhole?: boolean;
  /** Of a list that is a tuple: how many numbers it has. */
  length?: number;
  /** Whether the text `null` means null. */
  nullable?: boolean;
}

/** A parameter's value. */
export type ParameterValue = number | string | boolean | number[] | string[] | null;

/**
 * The value of one of a notebook's parameters that is given by name.
 *
 * @param action What is done with it, for the message: `Cannot <action> "lr" as it must be a number: current value is fast`.
 * @param Refusal Class of the error.
 * @throws When there is no such parameter (the message names those that there are), or the text breaks its rule.
 */
export function namedParameter(
  action: string,
  rules: ReadonlyMap<string, ParameterRule>,
  [name, text]: readonly [name: string, text: string],
  Refusal: new (message: string, options?: ErrorOptions) => Error = Error,
): ParameterValue {
  const rule = rules.get(name);
  if (rule === undefined) {
    const known = [...rules.keys()].join(', ') || 'none';
    throw new Refusal(`Cannot ${action} "${name}" as the notebook's parameters are: ${known}`);
  }
  try {
    return parseParameter(rule, text);
  } catch (error) {
    const { message } = error as Error;
    throw new Refusal(
      `Cannot ${action} "${name}" as it must be ${message}: current value is ${text}`,
      { cause: error },
    );
  }
}

/**
 * The value that a text on the command line stands for. Lists are separated by commas; texts with commas or quotes in them are
 * read as JSON.
 *
 * @throws Error with the rule alone (`a number`, `one of "sde", "cps"`); the caller names the parameter.
 * @example
 * parseParameter({ kind: 'number[]' }, '1e-4,3e-4'); // [0.0001, 0.0003]
 */
export function parseParameter(rule: ParameterRule, text: string): ParameterValue {
  if (rule.nullable && text === 'null') return null;
  switch (rule.kind) {
    case 'string':
      return text;
    case 'number':
      if (rule.isWhole && !(/^\d+$/.test(text) && Number.isSafeInteger(Number(text))))
        throw new Error(inWords(rule));
      return parseNumber(text);
    case 'boolean':
      if (text === 'true' || text === 'false') return text === 'true';
      throw new Error(inWords(rule));
    case 'choice': {
      const choice = rule.choices!.find((one) => String(one) === text);
      if (choice !== undefined) return choice;
      throw new Error(inWords(rule));
    }
    case 'string[]':
      return /^\s*\[\s*"/.test(text) ? textsFromJson(text) : splitList(text);
    case 'number[]': {
      const numbers = splitList(text).map(parseNumber);
      if (rule.length === undefined || numbers.length === rule.length) return numbers;
      throw new Error(inWords(rule));
    }
  }
}

/**
 * The parameter's value for one from a YAML or JSON file; texts are read as on the command line.
 *
 * @throws Error with the rule alone, as `parseParameter` does.
 * @example
 * parameterFrom({ kind: 'number', nullable: true }, null); // null
 */
export function parameterFrom(rule: ParameterRule, value: unknown): ParameterValue {
  if (typeof value === 'string') return parseParameter(rule, value);
  if (Array.isArray(value) && (rule.kind === 'number[]' || rule.kind === 'string[]')) {
    const kind = rule.kind === 'number[]' ? 'number' : 'string';
    const isWhole = rule.length === undefined || value.length === rule.length;
    try {
      if (isWhole) return value.map((item) => parameterFrom({ kind }, item)) as ParameterValue;
    } catch (error) {
      throw new Error(inWords(rule), { cause: error });
    }
  }
  if (Number.isNaN(value)) throw new Error(inWords(rule));
  const isSame = typeof value === rule.kind || (value === null && rule.nullable === true);
  if (isSame || rule.choices?.includes(value as null)) return value as ParameterValue;
  throw new Error(inWords(rule));
}

/** What a parameter's value may be, for help texts: `number`, `"sde" | "cps"`, `number,number`. */
export function describeRule({ kind, choices, length, nullable }: ParameterRule): string {
  const base = {
    number: 'number',
    string: 'string',
    boolean: 'boolean',
    choice: (choices ?? []).map(String).join('|'),
    'number[]': length === undefined ? 'number,...' : Array(length).fill('number').join(','),
    'string[]': 'string,...',
  }[kind];
  return nullable && kind !== 'choice' ? `${base}|null` : base;
}

function inWords({ kind, choices = [], length, isWhole }: ParameterRule): string {
  return {
    string: 'a text',
    number: isWhole ? 'a whole number from 0' : 'a number',
    boolean: 'true or false',
    choice: `one of ${choices.map((one) => JSON.stringify(one)).join(', ')}`,
    'number[]': length === undefined ? 'numbers' : `${length} numbers with commas between them`,
    'string[]': 'texts, as in a,b or ["a","b"]',
  }[kind];
}

function parseNumber(text: string): number {
  const trimmed = text.trim();
  if (/^[+-]?infinity$/i.test(trimmed)) return trimmed.startsWith('-') ? -Infinity : Infinity;
  const value = Number(trimmed);
  if (trimmed === '' || Number.isNaN(value)) throw new Error(inWords({ kind: 'number' }));
  return value;
}

function textsFromJson(text: string): string[] {
  try {
    const items: unknown = JSON.parse(text);
    if (Array.isArray(items) && items.every((item) => typeof item === 'string')) return items;
  } catch {
    // Refused below, as what is no text is.
  }
  throw new Error(inWords({ kind: 'string[]' }));
}

function splitList(text: string): string[] {
  const inner = text.trim().replace(/^\[(.*)\]$/s, '$1');
  return inner.trim() === '' ? [] : inner.split(',').map((item) => item.trim());
}
