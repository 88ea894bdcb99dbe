import { isTimeLimit, LONGEST_LIMIT_MS } from '../core/time-limit';
import { RandomKey } from '../core/random-key';
import { keeps, listOf, rule, wholeNumber, type Rule } from '../core/option-rules';
import { showValue } from '../core/show-value';
import type { RewardTerms } from '../rewards';
import { namedTerms } from '../rewards/weighted-rewards';
import { EVALUATED_NAMES, EVALUATED_PREFIXES, OWN_NAMES, OWN_PREFIXES } from './log-names';

/** What everything random follows from. */
export const KEY: Rule = rule('a random key', (value) => value instanceof RandomKey);

/** What is trained on: texts, or records of a data set. */
export const PROMPTS: Rule = listOf(
  rule(
    'a text, or a record whose prompt is one',
    (value) =>
      typeof value === 'string' ||
      typeof (value as { prompt?: unknown } | null | undefined)?.prompt === 'string',
  ),
  { words: 'a list of texts or records, one at least' },
);

/** Steps of a rollout, from the first to before the second. */
export const STEPS: Rule = listOf(wholeNumber(0), {
  length: 2,
  words: 'a list of two whole numbers',
});

/** How long a reward may take. */
export const TIME_LIMIT: Rule = rule(
  `a number of milliseconds from 1 to ${LONGEST_LIMIT_MS}`,
  (value) => typeof value === 'number' && isTimeLimit(value),
);

/** One reward. */
export const REWARD: Rule = rule(
  "a registered reward's name or a function",
  (value) => typeof value === 'string' || typeof value === 'function',
);

/** The same of names that the log does not have already: a value would take another one's place there. */
function withFreeNames(
  inner: Rule,
  own: { names: readonly string[]; prefixes: readonly string[]; namesOf(value: object): string[] },
): Rule {
  const { names, prefixes, namesOf } = own;
  const isTaken = (one: string) =>
    names.includes(one) || prefixes.some((prefix) => one.startsWith(prefix));
  return {
    ...inner,
    breach(value, name) {
      const found = inner.breach(value, name);
      if (found !== null || typeof value !== 'object' || value === null) return found;
      const taken = namesOf(value).find(isTaken);
      if (taken === undefined) return null;
      const begun = prefixes.map((prefix) => `${prefix}...`);
      return `${name} must have names that the log does not use itself (${[...names, ...begun].join(', ')}): current value is ${showValue(taken)}`;
    },
  };
}

/** One reward or several. */
export const REWARDS: Rule = withFreeNames(
  rule(
    "a registered reward's name, a function, or several of them by name",
    (value) =>
      ['string', 'function'].includes(typeof value) ||
      (typeof value === 'object' && value !== null && !Array.isArray(value)),
  ),
  {
    names: EVALUATED_NAMES,
    prefixes: EVALUATED_PREFIXES,
    namesOf: (terms) => Object.keys(namedTerms(terms as RewardTerms)),
  },
);

/** Rewards by name. */
export const NAMED_REWARDS: Rule = withFreeNames(
  rule(
    'rewards by name, each a registered one or a function',
    (value) =>
      typeof value === 'object' &&
      value !== null &&
      Object.values(value).every((one) => keeps(one, REWARD)),
  ),
  { names: OWN_NAMES, prefixes: OWN_PREFIXES, namesOf: Object.keys },
);
