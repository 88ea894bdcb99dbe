import { existsSync } from 'node:fs';
import * as path from 'node:path';
import { z } from 'zod';
import { readKeptLines } from '../run-folder/kept-json';

/** The file of a run's folder with the cells' last values: a `CellResult` a line. */
export const resultsFile = 'results.jsonl';

/** The value of a cell's last expression. */
export interface CellResult {
  cell: string;
  /** As it would be shown as text. */
  text?: string;
  /** Its richer forms, below the run's folder. */
  files?: string[];
}

const text = z.string('must be a text');

const resultSchema = z.object(
  { cell: text, text: text.optional(), files: z.array(text, 'must be a list').optional() },
  'must be an object',
);

/**
 * What the cells of a run gave, in order; nothing where it has not written any. A last line that is not whole is left out.
 *
 * @throws When another line is no result; the message names file, line, field and value.
 */
export function readResults(directory: string): CellResult[] {
  const file = path.join(directory, resultsFile);
  return existsSync(file) ? readKeptLines(file, resultSchema) : [];
}
