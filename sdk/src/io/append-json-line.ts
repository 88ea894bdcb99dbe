import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { writeProblem } from './write-problem';

const LINE_BREAK = 0x0a;

/**
 * Adds one JSON value as a line at the end of a file, and hands it to the operating system at once.
 * Makes the file and its folder when they are missing. A last line that a crash cut off is taken away first.
 *
 * @throws When the operating system refuses; the file is as it was then.
 */
export function appendJsonLine(path: string, value: unknown): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    const descriptor = openSync(path, 'a+');
    try {
      appendWhole(descriptor, Buffer.from(`${JSON.stringify(value)}\n`));
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw writeProblem(`a line to "${path}"`, error);
  }
}

function appendWhole(descriptor: number, line: Buffer): void {
  const end = wholeLinesEnd(descriptor);
  try {
    for (let done = 0; done < line.length;) done += writeSync(descriptor, line, done);
  } catch (error) {
    ftruncateSync(descriptor, end);
    throw error;
  }
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
