import * as util from 'node:util';
import { describeTensor, isTensorLike } from './tensor-like';

const options: util.InspectOptions = {
  depth: 4,
  maxArrayLength: 100,
  maxStringLength: 10_000,
  breakLength: 100,
  compact: 3,
};

/** A value as text, by `util.inspect`; tensors inside plain objects and arrays take one line each. */
export function inspectValue(value: unknown): string {
  // Getters, proxies and inspections of its own may throw when it is looked at.
  const ways = [
    () => util.inspect(withShortTensors(value, 4, new Set()), options),
    () => util.inspect(value, options),
    () => util.inspect(value, { ...options, customInspect: false }),
  ];
  for (const inspect of ways) {
    try {
      return inspect();
    } catch {
      continue;
    }
  }
  return `(a value of type ${typeof value} that cannot be inspected)`;
}

/** Copies plain objects and arrays so far as they hold tensors, which inspect at great length. */
function withShortTensors(value: unknown, depth: number, seen: Set<object>): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (isTensorLike(value)) return { [util.inspect.custom]: () => describeTensor(value) };
  if (depth === 0 || seen.has(value)) return value;
  seen.add(value);
  let copy: unknown = value;
  if (Array.isArray(value) && value.length <= 1000) {
    const items = value.map((item) => withShortTensors(item, depth - 1, seen));
    if (items.some((item, index) => item !== value[index])) copy = items;
  } else if (Object.getPrototypeOf(value) === Object.prototype && !hasGetters(value)) {
    const entries = Object.entries(value);
    const short = entries.map(
      ([key, item]) => [key, withShortTensors(item, depth - 1, seen)] as const,
    );
    if (short.some(([, item], index) => item !== entries[index][1]))
      copy = Object.fromEntries(short);
  }
  seen.delete(value);
  return copy;
}

function hasGetters(value: object): boolean {
  return Object.values(Object.getOwnPropertyDescriptors(value)).some(
    ({ get }) => get !== undefined,
  );
}
