import { showValue } from '../core/show-value';

/** What a setting may be. */
export interface SettingRule {
  /** In words, for the message: "must be ...". */
  rule: string;
  allows(value: unknown): boolean;
}

/** A whole number from 1, the rule of every setting whose default is a number. */
export const COUNT: SettingRule = { rule: 'a whole number from 1', allows: isCount };

/** More than any model has; a parameter list is made from it before a weight is read. */
const MOST_LAYERS = 1000;

/** How often a layer is repeated. */
export const LAYERS: SettingRule = {
  rule: `a whole number from 1 to ${MOST_LAYERS}`,
  allows: (value) => isCount(value) && value <= MOST_LAYERS,
};

/** A list with at least one item. */
export function listOf(rule: string, allows: (item: unknown) => boolean): SettingRule {
  return {
    rule: `a list, each ${rule}`,
    allows: (value) => Array.isArray(value) && value.length > 0 && value.every(allows),
  };
}

const SWITCH: SettingRule = {
  rule: 'true or false',
  allows: (value) => typeof value === 'boolean',
};

/**
 * Fills in a model's defaults and checks its settings. Keys that start with "_" are left out.
 *
 * @param className The model's, for messages.
 * @param rules Of settings whose default is neither a number nor a boolean, or that allow more.
 * @throws When a key is unknown or its value cannot be; the message names the key.
 */
export function parseModelSettings<Config extends object>(
  className: string,
  json: object,
  defaults: Config,
  rules: Readonly<Partial<Record<keyof Config, SettingRule>>>,
): Config {
  const entries = Object.entries(json).filter(([key]) => !key.startsWith('_'));
  const config = { ...defaults, ...Object.fromEntries(entries) } as Config;
  for (const [key, value] of Object.entries(config)) {
    if (!Object.hasOwn(defaults, key)) {
      const known = Object.keys(defaults).join(', ');
      throw invalidSetting(className, 'every key', `one of ${known}`, key);
    }
    const standard = typeof defaults[key as keyof Config] === 'boolean' ? SWITCH : COUNT;
    const { rule, allows } = rules[key as keyof Config] ?? standard;
    if (!allows(value)) throw invalidSetting(className, key, rule, value);
  }
  return config;
}

/** Whether a value is a whole number from 1. */
export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

/** The error for a setting that cannot be. */
export function invalidSetting(
  className: string,
  what: string,
  rule: string,
  value: unknown,
): Error {
  return new Error(
    `Cannot build ${className} as ${what} must be ${rule}: current value is ${showValue(value)}`,
  );
}
