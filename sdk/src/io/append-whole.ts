import { closeSync, fstatSync, ftruncateSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { writeProblem } from './write-problem';

/**
 * Adds bytes at the end of a file, all or none of them, and hands them to the operating system at once. Makes the file and its
 * folder when they are missing.
 *
 * @param what They are, for example `a line`.
 * @param findEnd Says where they go, after it has cut off what must not stay. Default: the end of the file.
 * @throws When the operating system refuses; the message says why in words, and the file is as it was then.
 * @example
 * appendWhole('runs/example.txt', Buffer.from('one\n'), 'a line');
 */
export function appendWhole(
  path: string,
  bytes: Uint8Array,
  what: string,
  findEnd: (descriptor: number) => number = (descriptor) => fstatSync(descriptor).size,
): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    const descriptor = openSync(path, 'a+');
    try {
      appendOrUndo(descriptor, bytes, findEnd(descriptor));
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw writeProblem(`${what} to "${path}"`, error);
  }
}

function appendOrUndo(descriptor: number, bytes: Uint8Array, end: number): void {
  try {
    for (let done = 0; done < bytes.length;) done += writeSync(descriptor, bytes, done);
  } catch (error) {
    ftruncateSync(descriptor, end);
    throw error;
  }
}
