import { existsSync, readFileSync } from 'node:fs';
import * as path from 'node:path';

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

/** What the cells of a run gave, in order; nothing where it has not written any. A last line that is not whole is left out. */
export function readResults(directory: string): CellResult[] {
  const file = path.join(directory, resultsFile);
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as CellResult);
}
