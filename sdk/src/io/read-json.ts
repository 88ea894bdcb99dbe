import { readFileSync } from 'node:fs';
import { showValue } from '../core/show-value';
import { readProblem } from './read-problem';

/**
 * Reads a file that holds one JSON object.
 *
 * @throws When the file is missing or holds something else; the message names the file.
 */
export function readJsonObject(path: string): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw readProblem(path, error);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`Cannot read "${path}" as it must be JSON: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(
      `Cannot read "${path}" as it must hold a JSON object: current value is ${showValue(value)}`,
    );
  }
  return value as Record<string, unknown>;
}
