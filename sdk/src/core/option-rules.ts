import { nearestName } from './nearest-name';
import { showValue } from './show-value';

/** What a value must be. */
export interface Rule {
  /** As it stands after "must be". */
  readonly words: string;
  /** Whether the option cannot be left out. */
  readonly isRequired?: boolean;
  /** How a value breaks the rule, in words with the option's name; null when it does not. */
  breach(value: unknown, name: string): string | null;
}

/** A rule for each option: the table says which there are, too. */
export type Rules<Options> = { readonly [Name in keyof Required<Options>]: Rule };

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A rule of one's own. */
export function rule(words: string, allows: (value: unknown) => boolean): Rule {
  return {
    words,
    breach: (value, name) =>
      allows(value) ? null : `${name} must be ${words}: current value is ${showValue(value)}`,
  };
}

/** Whether a value keeps a rule. */
export function keeps(value: unknown, { breach }: Rule): boolean {
  return breach(value, '') === null;
}

export const TEXT = rule('a text', (value) => typeof value === 'string');
export const SWITCH = rule('true or false', (value) => typeof value === 'boolean');
export const FUNCTION = rule('a function', (value) => typeof value === 'function');
export const SIGNAL = rule('an AbortSignal', isSignal);
/** What uses the option has the rule. */
export const ANYTHING = rule('anything', () => true);
/** Whose numbers and defaults count where ours differ on purpose. */
export const COMPAT = orNull(oneOf('verl-omni'));

function isSignal(value: unknown): boolean {
  const { aborted, addEventListener } = (value ?? {}) as Partial<AbortSignal>;
  return typeof aborted === 'boolean' && typeof addEventListener === 'function';
}

/** A number from `least` on, or above `above`, up to `most` or below `below`; Infinity where `most` is. */
export function number({
  least = -Infinity,
  above = -Infinity,
  most = Number.MAX_VALUE,
  below = Infinity,
}: { least?: number; above?: number; most?: number; below?: number } = {}): Rule {
  const from = above > -Infinity ? ` above ${above}` : least > -Infinity ? ` from ${least}` : '';
  const to = below < Infinity ? ` to below ${below}` : most < Number.MAX_VALUE ? ` to ${most}` : '';
  return rule(
    `a number${from}${to}${most === Infinity ? ', or Infinity' : ''}`,
    (value) =>
      typeof value === 'number' &&
      value >= least &&
      value > above &&
      value <= most &&
      (value < below || below === Infinity),
  );
}

/** A whole number that doubles hold exactly, from `least` on. */
export function wholeNumber(least = -Infinity): Rule {
  return rule(
    `a whole number${least > -Infinity ? ` from ${least}` : ''}`,
    (value) => Number.isSafeInteger(value) && (value as number) >= least,
  );
}

/** Any number of things, or all of them. */
export const COUNT_OR_INFINITY = anyOf(
  wholeNumber(1),
  rule('Infinity', (value) => value === Infinity),
);

/** One of some texts. */
export function oneOf(...choices: readonly string[]): Rule {
  const words =
    choices.length > 1 ? `${choices.slice(0, -1).join(', ')} or ${choices.at(-1)}` : choices[0];
  return rule(words, (value) => choices.includes(value as string));
}

/** What any of some rules allows. */
export function anyOf(...rules: readonly Rule[]): Rule {
  return rule(rules.map(({ words }) => words).join(' or '), (value) =>
    rules.some((one) => keeps(value, one)),
  );
}

/** The same, and null. */
export function orNull(inner: Rule): Rule {
  const own = rule(`${inner.words}, or null`, () => false);
  return {
    ...own,
    breach: (value, name) => {
      if (value === null) return null;
      const found = inner.breach(value, name);
      return found?.startsWith(`${name} must be `) ? own.breach(value, name) : found;
    },
  };
}

/** The same of an option that cannot be left out. */
export function required(inner: Rule): Rule {
  return { ...inner, isRequired: true };
}

/** A list of some length, or of `least` elements or more; an element that breaks its rule is named by its place. */
export function listOf(
  element: Rule,
  {
    length = null,
    least = 1,
    words = 'a list',
  }: { length?: number | null; least?: number; words?: string } = {},
): Rule {
  const own = rule(words, () => false);
  return {
    ...own,
    breach(value, name) {
      if (
        !Array.isArray(value) ||
        (length === null ? value.length < least : value.length !== length)
      ) {
        return own.breach(value, name);
      }
      for (const [at, one] of value.entries()) {
        const found = element.breach(one, `${name}[${at}]`);
        if (found !== null) return found;
      }
      return null;
    },
  };
}

/** An object of options with rules of their own. */
export function section<Options>(rules: Rules<Options>): Rule {
  return objectBy('an object of options', (value, prefix) => breachWithin(value, rules, prefix));
}

/** An object some of whose fields have rules; it may have others. */
export function record<Fields>(rules: Rules<Fields>, words = 'an object'): Rule {
  return objectBy(words, (value, prefix) => brokenRule(value, rules, prefix));
}

function objectBy(
  words: string,
  inside: (value: Record<string, unknown>, prefix: string) => string | null,
): Rule {
  const own = rule(words, () => false);
  return {
    ...own,
    breach: (value, name) =>
      isObject(value) ? inside(value, `${name}.`) : own.breach(value, name),
  };
}

/** The first option that is none, or breaks its rule, in words. An option that is undefined is one that was left out. */
function breachWithin(
  options: Record<string, unknown>,
  rules: Readonly<Record<string, Rule>>,
  prefix = '',
): string | null {
  const names = Object.keys(rules);
  const unknown = Object.keys(options).find(
    (name) => !names.includes(name) && options[name] !== undefined,
  );
  if (unknown !== undefined) {
    return `there is no option "${prefix}${unknown}": the nearest is "${prefix}${nearestName(unknown, names)}"`;
  }
  return brokenRule(options, rules, prefix);
}

function brokenRule(
  values: Record<string, unknown>,
  rules: Readonly<Record<string, Rule>>,
  prefix: string,
): string | null {
  for (const [name, { isRequired = false, breach }] of Object.entries(rules)) {
    if (values[name] === undefined && !isRequired) continue;
    const found = breach(values[name], `${prefix}${name}`);
    if (found !== null) return found;
  }
  return null;
}

/** Those of some options that a table has rules for: the ones of a call among the ones of a larger one. */
export function optionsAmong<Options extends object, Given extends Partial<Options>>(
  given: Given,
  rules: Rules<Options>,
): Pick<Given, keyof Given & keyof Options> {
  const kept = Object.entries(given).filter(([name]) => Object.hasOwn(rules, name));
  return Object.fromEntries(kept) as Pick<Given, keyof Given & keyof Options>;
}

/**
 * Checks options by a table.
 *
 * @param action As it stands after "Cannot".
 * @throws When there is no such option, naming the nearest one, or a value breaks its rule.
 * @example
 * checkOptions('train', { steps: 4 }, { steps: wholeNumber(1), ema: orNull(number({ least: 0, below: 1 })) });
 */
export function checkOptions<Options extends object>(
  action: string,
  options: NoInfer<Partial<Options>>,
  rules: Rules<Options>,
): void {
  const found = isObject(options)
    ? breachWithin(options, rules)
    : `options must be an object: current value is ${showValue(options)}`;
  if (found !== null) throw new Error(`Cannot ${action} as ${found}`);
}
