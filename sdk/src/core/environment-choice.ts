/**
 * What an environment variable says, one of a few words; undefined where it is not set or empty.
 *
 * @throws When it says another word: a misspelt switch would do nothing, in silence.
 */
export function environmentChoice<Choice extends string>(
  name: string,
  choices: readonly Choice[],
  environment: NodeJS.ProcessEnv = process.env,
): Choice | undefined {
  const given = environment[name];
  if (!given) return undefined;
  if (choices.includes(given as Choice)) return given as Choice;
  throw new Error(
    `Cannot heed ${name} as it must be ${choices.map((choice) => `"${choice}"`).join(' or ')}: current value is "${given}"`,
  );
}
