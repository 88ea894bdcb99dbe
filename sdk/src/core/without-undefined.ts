/** Options without those that are undefined, which are left out. */
export type Given<Options> = { [Name in keyof Options]?: Exclude<Options[Name], undefined> };

/**
 * The options that are given: one that is undefined is one left out, and takes no default's place.
 *
 * @example
 * givenOptions({ steps: 2, seed: undefined }); // { steps: 2 }
 */
export function givenOptions<Options extends object>(
  options: Options | null | undefined,
): Given<Options> {
  const given = Object.entries(options ?? {}).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as Given<Options>;
}
