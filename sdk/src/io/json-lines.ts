import { readFileSync } from 'node:fs';
import { readProblem } from './read-problem';

/** Options of `readJsonLines`. */
export interface ReadJsonLinesOptions {
  /** The file may be in the middle of being written: a last line that is not whole is left out. Default false. */
  isGrowing?: boolean;
}

/**
 * Reads a file that holds one JSON value a line; empty lines are left out.
 *
 * @returns The values, in order.
 * @throws When the file cannot be read, or a line is not JSON; the message names the file and the line.
 * @example
 * const prompts = readJsonLines('datasets/shapes/train.jsonl');
 */
export function readJsonLines(
  path: string,
  { isGrowing = false }: ReadJsonLinesOptions = {},
): unknown[] {
  return textOf(path)
    .split('\n')
    .flatMap((line, index, lines) => {
      if (line.trim() === '') return [];
      try {
        return [JSON.parse(line) as unknown];
      } catch (error) {
        if (isGrowing && index === lines.length - 1) return [];
        throw new Error(
          `Cannot read "${path}" as every line must be JSON: line ${index + 1} is not (${(error as Error).message})`,
          { cause: error },
        );
      }
    });
}

/** Bytes that are no UTF-8 do not stop it: the last character may be in the middle of being written. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw readProblem(path, error);
  }
}
