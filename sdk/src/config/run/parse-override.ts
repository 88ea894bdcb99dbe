import { parseOverrideValue, type OverrideValue } from './override-value';

/** One override: what is done to a key. */
export interface Override {
  /** As it was written. */
  text: string;
  /** `set` a known key, `add` one that has no value yet, `put` either, or `remove`. */
  action: 'set' | 'add' | 'put' | 'remove';
  /** Parts of the dotted key. */
  key: string[];
  /** Undefined for a removal without a value. */
  value: OverrideValue | undefined;
}

const SIGNS = { '': 'set', '+': 'add', '++': 'put', '~': 'remove' } as const;
const KEY_PART = /^(?:[A-Za-z_$][\w$-]*|0|[1-9]\d*)$/;
const GROUP = /^[A-Za-z_][\w-]*(?:\/[A-Za-z_][\w-]*)+$/;

/**
 * Reads an override by Hydra's grammar: `key=value`, `+key=value`, `++key=value`, `~key` or `~key=value`, with a dotted key.
 *
 * @throws On what is no override.
 * @example
 * parseOverride('actor_rollout_ref.actor.optim.lr=3e-4').value; // 0.0003
 */
export function parseOverride(text: string): Override {
  const [, sign, name, equals, rest] = /^(~|\+{0,2})([^=]*)(=?)(.*)$/s.exec(
    text,
  ) as RegExpExecArray;
  const action = SIGNS[sign as keyof typeof SIGNS];
  const refuse = (rule: string): Error => new Error(`Cannot read override "${text}" as ${rule}`);
  const key = GROUP.test(name) ? [name] : name.split('.');
  if (!GROUP.test(name) && !key.every((part) => KEY_PART.test(part))) {
    throw refuse(`its key must be words joined by dots: current value is "${name}"`);
  }
  if (equals === '' && action !== 'remove') throw refuse('it must have "=" and a value');
  try {
    const value = equals === '' ? undefined : parseOverrideValue(rest);
    return { text, action, key, value };
  } catch (error) {
    throw refuse((error as Error).message);
  }
}
