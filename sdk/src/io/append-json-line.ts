import { fstatSync, ftruncateSync, readSync } from 'node:fs';
import { appendWhole } from './append-whole';

const LINE_BREAK = 0x0a;

/**
 * Adds one JSON value as a line at the end of a file, and hands it to the operating system at once.
 * Makes the file and its folder when they are missing. A last line that a crash cut off is taken away first.
 *
 * @throws When the operating system refuses; the file is as it was then.
 */
export function appendJsonLine(path: string, value: unknown): void {
  appendWhole(path, Buffer.from(`${JSON.stringify(value)}\n`), 'a line', wholeLinesEnd);
}

/** Where the last whole line ends; what comes after it is cut off. */
function wholeLinesEnd(descriptor: number): number {
  const { size } = fstatSync(descriptor);
  const byte = Buffer.alloc(1);
  let end = size;
  for (; end > 0; end--) {
    readSync(descriptor, byte, 0, 1, end - 1);
    if (byte[0] === LINE_BREAK) break;
  }
  if (end < size) ftruncateSync(descriptor, end);
  return end;
}
