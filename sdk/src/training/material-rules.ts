import { keeps, listOf, rule, type Rule } from '../core/option-rules';

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

/** One reward. */
export const REWARD: Rule = rule(
  "a registered reward's name or a function",
  (value) => typeof value === 'string' || typeof value === 'function',
);

/** One reward or several. */
export const REWARDS: Rule = rule(
  "a registered reward's name, a function, or several of them by name",
  (value) =>
    ['string', 'function'].includes(typeof value) ||
    (typeof value === 'object' && value !== null && !Array.isArray(value)),
);

/** Rewards by name. */
export const NAMED_REWARDS: Rule = rule(
  'rewards by name, each a registered one or a function',
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((one) => keeps(one, REWARD)),
);
