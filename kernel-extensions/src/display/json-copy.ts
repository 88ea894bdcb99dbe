/**
 * A value as JSON holds it, which is how it reaches a front end: with what `toJSON` gives, without functions.
 *
 * @param attempt what is done with it, for the error
 * @throws where JSON cannot hold it, as of a bigint or of an object that holds itself.
 */
export function jsonCopy(attempt: string, value: unknown): unknown {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (error) {
    throw new TypeError(
      `Cannot ${attempt} as JSON must be able to hold it: ${wrongPart(value) ?? String(error)}`,
      { cause: error },
    );
  }
  return text === undefined ? undefined : JSON.parse(text);
}

/** What `jsonEntries` has made. One a process: the kernel publishes what a notebook's own copy of this package copied. */
const key = Symbol.for('flowbook.display.copies');
const copies = ((globalThis as { [key]?: WeakSet<object> })[key] ??= new WeakSet());

/** The same for what lies below each key; `attempt` is given the key. Texts are taken as they are, however long. */
export function jsonEntries(
  attempt: (key: string) => string,
  data: Record<string, unknown>,
): Record<string, unknown> {
  return mapEntries(data, (name, value) => {
    const copy = jsonCopy(attempt(name), value);
    if (typeof copy === 'object' && copy !== null) copies.add(copy);
    return copy;
  });
}

/** The same, but for what `jsonEntries` has made already: that is taken as it is. */
export function copiedEntries(
  attempt: (key: string) => string,
  data: Record<string, unknown>,
): Record<string, unknown> {
  return mapEntries(data, (name, value) =>
    copies.has(value as object) ? value : jsonCopy(attempt(name), value),
  );
}

function mapEntries(
  data: Record<string, unknown>,
  copy: (name: string, value: unknown) => unknown,
): Record<string, unknown> {
  const entries = Object.entries(data).map(([name, value]): [string, unknown] => [
    name,
    typeof value === 'string' ? value : copy(name, value),
  ]);
  return Object.fromEntries(entries);
}

/** The first part of a value that JSON has no words for, null where there is none. */
function wrongPart(value: unknown): string | null {
  const above: unknown[] = [];
  let wrong: string | null = null;
  const look = function (this: unknown, key: string, part: unknown): unknown {
    while (above.length > 0 && above.at(-1) !== this) above.pop();
    const where = key === '' ? 'current value' : `current value of ${JSON.stringify(key)}`;
    if (typeof part === 'bigint') wrong ??= `${where} is ${part}n`;
    else if (above.includes(part)) wrong ??= `${where} is an object that holds it`;
    above.push(part);
    return wrong === null ? part : null;
  };
  try {
    JSON.stringify(value, look);
  } catch {
    return null; // what it does itself when it is looked at, toJSON or a getter, fails
  }
  return wrong;
}
