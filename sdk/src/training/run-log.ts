import { join } from 'node:path';
import { appendJsonLine } from '../io/append-json-line';
import type { LogLine } from './step-report';

/**
 * The lines that a training run leaves: in memory, and in `log.jsonl` of a run directory as they come.
 *
 * @example
 * const log = new RunLog(null);
 * log.write({ step: 1, seconds: 0.5, reward: 0.25 });
 * log.lines.length; // 1
 */
export class RunLog {
  readonly lines: LogLine[] = [];
  /** Where the lines are written, or null. */
  readonly path: string | null;

  /** @param directory Default: the environment's FLOWBOOK_RUN_DIR; null keeps the lines in memory alone. */
  constructor(directory: string | null = process.env.FLOWBOOK_RUN_DIR || null) {
    this.path = directory === null ? null : join(directory, 'log.jsonl');
  }

  write(line: LogLine): void {
    this.lines.push(line);
    if (this.path !== null) appendJsonLine(this.path, line);
  }
}
