/** Fields without those that are undefined. */
export type Given<Fields> = { [Name in keyof Fields]?: Exclude<Fields[Name], undefined> };

/**
 * The fields that are not undefined: an option that is undefined is one left out, and takes no default's place.
 *
 * @example
 * withoutUndefined({ steps: 2, seed: undefined }); // { steps: 2 }
 */
export function withoutUndefined<Fields extends object>(
  fields: Fields | null | undefined,
): Given<Fields> {
  const given = Object.entries(fields ?? {}).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Given<Fields>;
}
