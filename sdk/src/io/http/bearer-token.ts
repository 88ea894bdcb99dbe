/**
 * The header of a token that an environment variable holds, so that no setting, file or message does; none without a variable.
 *
 * @param action What it is for, for messages.
 * @throws When the variable is not set.
 */
export function bearerToken(variable: string | undefined, action: string): Record<string, string> {
  if (variable === undefined) return {};
  const token = process.env[variable]?.trim();
  if (token) return { authorization: `Bearer ${token}` };
  throw new Error(
    `Cannot ${action} as the environment variable ${variable} must hold a token: it is not set`,
  );
}
