import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  describeRule,
  parseParameter,
  type ParameterRule,
  type ParameterValue,
} from '../notebook/parameter-value';

/** One flag of a script: what its value may be, its default, and a line of help. */
export interface Flag<T> {
  rule: ParameterRule;
  value: T;
  help: string;
}

/** `[number, number]` for 2. */
type NumberTuple<
  Length extends number,
  Numbers extends number[] = [],
> = Numbers['length'] extends Length ? Numbers : NumberTuple<Length, [...Numbers, number]>;

/** The values of a table of flags. */
export type FlagValues<Flags> = {
  [Name in keyof Flags]: Flags[Name] extends Flag<infer T> ? T : never;
};

/**
 * Makers of flags, by the type of their value; each takes the default and a line of help.
 *
 * @example
 * const flags = {
 *   steps: flag.number(40, 'training iterations'),
 *   sdeType: flag.choice(['sde', 'cps'], 'sde'),
 *   window: flag.tuple([0, 5], 'first and last step that draw noise'),
 *   kept: flag.tupleOrNull(2, null, 'first and last step that are kept'),
 * };
 */
export const flag = {
  number: maker<number>({ kind: 'number' }),
  string: maker<string>({ kind: 'string' }),
  /** `--name` and `--no-name`. */
  boolean: maker<boolean>({ kind: 'boolean' }),
  /** `--name 1e-4,3e-4` */
  numbers: maker<number[]>({ kind: 'number[]' }),
  strings: maker<string[]>({ kind: 'string[]' }),
  numberOrNull: maker<number | null>({ kind: 'number', nullable: true }),
  stringOrNull: maker<string | null>({ kind: 'string', nullable: true }),
  booleanOrNull: maker<boolean | null>({ kind: 'boolean', nullable: true }),
  numbersOrNull: maker<number[] | null>({ kind: 'number[]', nullable: true }),
  stringsOrNull: maker<string[] | null>({ kind: 'string[]', nullable: true }),
  /** As many numbers as the default has. */
  tuple<T extends number[]>(value: [...T], help = ''): Flag<[...T]> {
    return { rule: { kind: 'number[]', length: value.length }, value, help };
  },
  /** So many numbers, or null. */
  tupleOrNull<Length extends number>(
    length: Length,
    value: NumberTuple<Length> | null,
    help = '',
  ): Flag<NumberTuple<Length> | null> {
    return { rule: { kind: 'number[]', length, nullable: true }, value, help };
  },
  /** One of the given values. */
  choice<T extends string | number | boolean | null>(choices: T[], value: T, help = ''): Flag<T> {
    return { rule: { kind: 'choice', choices }, value, help };
  },
};

function maker<T>(rule: ParameterRule): (value: T, help?: string) => Flag<T> {
  return (value, help = '') => ({ rule, value, help });
}

/** Any table of flags. */
export type FlagTable = Record<string, Flag<unknown>>;

/** Reads a flag's value. @throws commander's error of a wrong one, which says the rule. */
export function valueReader(rule: ParameterRule): (text: string) => ParameterValue {
  return (text) => {
    try {
      return parseParameter(rule, text);
    } catch (error) {
      throw new InvalidArgumentError(`It must be ${(error as Error).message}.`);
    }
  };
}

/** Adds the flags to a command. */
export function addFlags(command: Command, flags: FlagTable): void {
  for (const [name, { rule, value, help }] of Object.entries(flags)) {
    const parse = valueReader(rule);
    const isSwitch = rule.kind === 'boolean';
    const taken = describeRule(rule);
    const option = new Option(isSwitch ? `--${name} [${taken}]` : `--${name} <${taken}>`, help)
      .argParser(parse)
      .default(value, Array.isArray(value) ? value.join(',') : String(value));
    command.addOption(option);
    // Commander takes a null for a flag without a value, and makes it an empty text, or true.
    command.on(`option:${name}`, (text: string | null) => {
      if (text !== null && parse(text) === null)
        command.setOptionValueWithSource(name, null, 'cli');
    });
    if (isSwitch) command.addOption(new Option(`--no-${name}`, `the same as --${name} false`));
  }
}
