import { readFileSync } from 'node:fs';

/**
 * Reads a file that holds one JSON value a line; empty lines are left out.
 *
 * @returns The values, in order.
 * @throws When a line is not JSON; the message names the file and the line.
 * @example
 * const prompts = readJsonLines('datasets/shapes/train.jsonl');
 */
export function readJsonLines(path: string): unknown[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .flatMap((line, index) => {
      if (line.trim() === '') return [];
      try {
        return [JSON.parse(line) as unknown];
      } catch (error) {
        throw new Error(
          `Cannot read "${path}" as every line must be JSON: line ${index + 1} is not (${(error as Error).message})`,
          { cause: error },
        );
      }
    });
}
