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

/** The same for what lies below each key; `attempt` is given the key. Texts are taken as they are, however long. */
export function jsonEntries(
  attempt: (key: string) => string,
  data: Record<string, unknown>,
): Record<string, unknown> {
  const copied = Object.entries(data).map(([key, value]): [string, unknown] => [
    key,
    typeof value === 'string' ? value : jsonCopy(attempt(key), value),
  ]);
  return Object.fromEntries(copied);
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
