import { closeSync, openSync, readSync } from 'node:fs';
import { isCode, looksSecret } from './secrets';

/** Bytes of a file that are looked at: a key may stand behind certificates, or below what a program says of it. */
const LOOKED_AT = 64 * 1024;

/** How private keys are written. A line's end may be written `\n`, as in JSON; where no key follows, a text speaks of keys. */
const keys: readonly RegExp[] = [
  /-{4,5} ?BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)? ?-{4,5}(?:\s*\n\s*|(?:\\r)?\\n)[A-Za-z\d+/]{4}/,
  /^PuTTY-User-Key-File-\d/m,
  /^AGE-SECRET-KEY-1/m,
  /"private_key"\s*:\s*"[^"]/,
];

function beginningOf(file: string): string {
  const bytes = Buffer.alloc(LOOKED_AT);
  const descriptor = openSync(file, 'r');
  try {
    return bytes.toString('latin1', 0, readSync(descriptor, bytes, 0, bytes.length, 0));
  } finally {
    closeSync(descriptor);
  }
}

/** Whether code defines functions or classes, or only hands on what other files do: it deals with secrets and holds none. */
function isProgram(code: string): boolean {
  const own = code.replace(/^\s*(?:import|from|export\b.*\bfrom)\b.*$/gm, '').trim();
  return (
    own === '' ||
    /=>|^\s*(?:export\s+)?(?:default\s+)?(?:async\s+)?(?:def|class|function|interface)\s+\w/m.test(
      own,
    )
  );
}

/**
 * Whether a file holds a secret: a private key, whatever its name, or by its name. Code that is named after secrets does where it
 * only gives values.
 *
 * @param names The file's path below its project, and that of what it links to.
 */
export function holdsSecret(file: string, names: readonly string[]): boolean {
  const beginning = beginningOf(file);
  if (keys.some((pattern) => pattern.test(beginning))) return true;
  return names.some(looksSecret) && !(names.every(isCode) && isProgram(beginning));
}
