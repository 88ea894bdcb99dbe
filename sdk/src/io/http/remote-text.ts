/** Longest text of another program in a message, in characters. */
const LONGEST = 200;
const LEFT_OUT = ' ... ';

/** Line breaks, control characters, and those that turn the direction of what follows. */
const UNFIT = /[\s\p{Cc}\u202a-\u202e\u2066-\u2069]+/gu;

/**
 * What another program says, as messages show it: on one line, without characters that a terminal obeys, and of a long text its
 * beginning and its end, where Python says what happened.
 *
 * @example
 * remoteText('<html>\n\u001b[2Jbad gateway'); // '<html> [2Jbad gateway'
 */
export function remoteText(text: string): string {
  const most = 4 * LONGEST;
  const ends = text.length > 2 * most ? text.slice(0, most) + text.slice(-most) : text;
  const line = ends.replace(UNFIT, ' ').trim();
  if (line.length <= LONGEST) return line;
  const kept = Math.floor((LONGEST - LEFT_OUT.length) / 2);
  return line.slice(0, kept) + LEFT_OUT + line.slice(-kept);
}
