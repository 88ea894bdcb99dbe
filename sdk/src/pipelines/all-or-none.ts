/**
 * What every prompt or request has; null where none has it.
 *
 * @param what Names it in the message.
 * @param action As it stands after "Cannot".
 * @throws When some have it and others do not.
 */
export function allOrNone<T>(
  values: readonly (T | null | undefined)[],
  what: string,
  action = 'embed prompts',
): T[] | null {
  const present = values.filter((value): value is T => value !== null && value !== undefined);
  if (present.length === 0) return null;
  if (present.length !== values.length) {
    throw new Error(
      `Cannot ${action} as either all or none must have ${what}: current number is ${present.length} of ${values.length}`,
    );
  }
  return present;
}
