import { inspect } from 'node:util';

/** Longest text of a value in a message, in characters. */
const longest = 100;

/**
 * Says that a display cannot be drawn.
 *
 * @param action what was tried, as `draw images`.
 * @param rule what its data must be.
 * @throws always.
 */
export function refuse(action: string, rule: string, value: string | number): never {
  throw new Error(`Cannot ${action} as ${rule}: current value is ${value}`);
}

/** Any value on a line, cut off where it is long. */
export function inWords(value: unknown): string {
  const text = inspect(value, { depth: 2, maxArrayLength: 3, maxStringLength: longest });
  const line = text.replace(/\s+/g, ' ');
  return line.length > longest ? `${line.slice(0, longest)}...` : line;
}
