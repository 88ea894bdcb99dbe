import { readFileSync } from 'node:fs';
import { checkedFields } from '@flowbook/sdk';
import type { z } from 'zod';

/**
 * What a file of a run's or a sweep's folder holds, once its fields keep their rules.
 *
 * @throws When it is not JSON, or a field breaks its rule; the message names file, field and value.
 */
export function readKept<Content>(file: string, schema: z.ZodType<Content>): Content {
  return checkedFields(schema, parsed(readFileSync(file, 'utf8'), file, 'it'), file);
}

/** The same of a file that grows by lines. A last line that is not whole yet, or that a crash cut off, is left out. */
export function readKeptLines<Line>(file: string, schema: z.ZodType<Line>): Line[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line, at) => {
      const where = `row ${at + 1}`;
      return checkedFields(schema, parsed(line, file, where), file, where);
    });
}

function parsed(text: string, file: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`Cannot read "${file}" as ${what} must be JSON: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
