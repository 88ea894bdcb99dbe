/** Longest text of another program in a message, in characters. */
const LONGEST = 200;

/**
 * What another program says, as messages show it: on one line, without characters that a terminal obeys, and cut off where it
 * is long.
 *
 * @example
 * remoteText('<html>\n\u001b[2Jbad gateway'); // '<html> [2Jbad gateway'
 */
export function remoteText(text: string): string {
  const line = text
    .slice(0, 4 * LONGEST)
    // Line breaks, control characters, and those that turn the direction of what follows.
    .replace(/[\s\p{Cc}\u202a-\u202e\u2066-\u2069]+/gu, ' ')
    .trim();
  return line.slice(0, LONGEST);
}
