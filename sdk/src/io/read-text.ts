import { readFileSync } from 'node:fs';

/** Reads a text file as UTF-8. @throws When it cannot be read or is no UTF-8; the message names the file. */
export function readText(path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path));
  } catch (error) {
    throw new Error(`Cannot read "${path}": ${(error as Error).message}`, { cause: error });
  }
}
