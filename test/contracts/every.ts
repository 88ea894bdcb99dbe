import assert from 'node:assert/strict';

/** Exceptions to a fact: names of registered parts, each with the reason. */
export type Exceptions = Readonly<Record<string, string>>;

/**
 * Holds a fact against every registered part and names all that break it. A part that an exception names must break it:
 * an exception that is no longer needed fails.
 */
export async function every<Name extends string>(
  names: readonly Name[],
  fact: (name: Name) => void | Promise<void>,
  exceptions: Exceptions = {},
): Promise<void> {
  assert.ok(names.length > 0, 'something is registered');
  const wrong: string[] = [];
  for (const name of names) {
    let failure: Error | null = null;
    try {
      await fact(name);
    } catch (error) {
      failure = error as Error;
    }
    if (failure !== null && !Object.hasOwn(exceptions, name)) {
      wrong.push(`${name}: ${failure.stack}`);
    }
    if (failure === null && Object.hasOwn(exceptions, name)) {
      wrong.push(`${name}: is an exception, though it keeps the rule`);
    }
  }
  for (const name of Object.keys(exceptions)) {
    if (!names.some((other) => other === name))
      wrong.push(`${name}: is an exception, though it is not registered`);
  }
  assert.deepEqual(wrong, []);
}
