/** Headers that hold no secret. */
const PLAIN = ['accept', 'content-type'];

/** A text that is shorter stands in many answers by chance, and is no secret. */
const SHORTEST_SECRET = 8;

const STAR = 0x2a;

/**
 * Checks a header whose value may be a token: what refuses it otherwise shows the value.
 *
 * @param action What it is for, for messages.
 * @throws When name or value hold a line break or another character that HTTP does not send. The value is not shown.
 *
 * @example
 * requireHeader('ask a server', 'authorization', 'Bearer made-up');
 */
export function requireHeader(action: string, name: string, value: string): void {
  try {
    new Headers([[name, value]]);
  } catch {
    throw new Error(
      `Cannot ${action} as header "${name}" must be a name and one line of characters that HTTP sends: its value is not shown, as it may be a secret`,
    );
  }
}

/**
 * Puts stars over the values of headers where an answer repeats them, as refusals of a token do: what a server says is shown in
 * messages, and stands in logs. The number of bytes stays.
 *
 * @example
 * const answer = Buffer.from('{"error": "made-up-key is not known"}');
 * hideSecrets(answer, { authorization: 'Bearer made-up-key' });
 * answer.toString(); // '{"error": "*********** is not known"}'
 */
export function hideSecrets(answer: Buffer, headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) {
    if (PLAIN.includes(name.toLowerCase())) continue;
    // A token stands behind the word that says what it is.
    const secret = value.trim().replace(/^\w+ +/, '');
    // Neither is a number, which may be part of a score.
    if (secret.length < SHORTEST_SECRET || Number.isFinite(Number(secret))) continue;
    const { length } = Buffer.from(secret);
    // Behind what is hidden, as a secret may be stars itself: one that was copied from where it is not shown.
    for (let at = answer.indexOf(secret); at >= 0; at = answer.indexOf(secret, at + length)) {
      answer.fill(STAR, at, at + length);
    }
  }
}
