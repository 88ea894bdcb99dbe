import { writeAtomically } from './write-atomically';

/** Version of diffusers whose layout is written. */
export const DIFFUSERS_VERSION = '0.42.1';

/**
 * Writes an object as diffusers writes its settings: JSON, keys in order, two spaces, a line break at the end.
 *
 * @param value Keys with the value undefined are left out.
 */
export function writeJson(path: string, value: object): void {
  const sorted = Object.fromEntries(
    Object.entries(value).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
  );
  writeText(path, `${JSON.stringify(sorted, null, 2)}\n`);
}

/** Writes a text file, atomically. */
export function writeText(path: string, text: string): void {
  writeAtomically(path, (append) => append(Buffer.from(text)));
}
