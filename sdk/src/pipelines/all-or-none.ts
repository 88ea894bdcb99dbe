/**
 * What every prompt of a request has; null where none has it.
 *
 * @param what Names it in the message.
 * @throws When some have it and others do not.
 */
export function allOrNone<T>(values: readonly (T | null | undefined)[], what: string): T[] | null {
  const present = values.filter((value): value is T => value !== null && value !== undefined);
  if (present.length === 0) return null;
  if (present.length !== values.length) {
    throw new Error(
      `Cannot embed prompts as either all or none must have ${what}: ${present.length} of ${values.length} do`,
    );
  }
  return present;
}
