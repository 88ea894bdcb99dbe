import { isPicture, type Picture } from './charts/picture';
import { inWords, refuse } from './refuse';

// Notebooks need no types: what displays take is checked where it comes in.

/** Whether a value has fields by name: a list has none. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @throws if a value is no record. @param what what it must be, as `runs by name`. */
export function requireRecord(action: string, what: string, value: unknown): void {
  if (!isRecord(value)) refuse(action, `there must be ${what}`, inWords(value));
}

/** @throws if a value is no list, or an item of it is not what it must be. @param what as `pictures`. */
export function requireList<Item>(
  action: string,
  what: string,
  value: readonly Item[],
  isItem: (item: Item) => boolean,
): void {
  if (!Array.isArray(value)) refuse(action, `there must be a list of ${what}`, inWords(value));
  const wrong = value.findIndex((item) => !isItem(item as Item));
  if (wrong >= 0) refuse(action, `item ${wrong} must be one of ${what}`, inWords(value[wrong]));
}

/** @throws if a value is no list of pictures. */
export function requirePictures(action: string, value: readonly Picture[]): void {
  requireList(action, 'pictures { width, height, channels: 3, data }', value, isPicture);
}

/** Whether a value is numbers, in an array or a typed array. */
export function isNumberList(value: unknown): value is ArrayLike<number> {
  return Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
}
