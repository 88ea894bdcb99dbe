import { readFileSync } from 'node:fs';
import { readProblem } from './read-problem';

/** Reads a text file as UTF-8. @throws When it cannot be read or is no UTF-8; the message names the file. */
export function readText(path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    throw readProblem(path, error);
  }
}
