import { join } from 'node:path';
import { appendJsonLine } from '../io/append-json-line';
import { writeAtomically } from '../io/write-atomically';
import type { LogLine } from './step-report';

/**
 * What a training run leaves: its lines in memory, and in `log.jsonl` of a run directory as they come; and in `run.json`
 * what it was run with.
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
  /** Where the configuration is written, or null. */
  readonly configurationPath: string | null;

  /** @param directory Default: the environment's FLOWBOOK_RUN_DIR; null keeps the lines in memory alone. */
  constructor(directory: string | null = process.env.FLOWBOOK_RUN_DIR || null) {
    this.path = directory === null ? null : join(directory, 'log.jsonl');
    this.configurationPath = directory === null ? null : join(directory, 'run.json');
  }

  /** Writes what the run is configured by, in the place of what was there. @param configuration Plain JSON. */
  describe(configuration: object): void {
    if (this.configurationPath === null) return;
    const text = `${JSON.stringify(configuration, null, 2)}\n`;
    writeAtomically(this.configurationPath, (append) => append(Buffer.from(text)));
  }

  write(line: LogLine): void {
    this.lines.push(line);
    if (this.path !== null) appendJsonLine(this.path, line);
  }
}
