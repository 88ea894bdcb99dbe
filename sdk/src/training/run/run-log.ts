import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { appendJsonLine } from '../../io/append-json-line';
import { writeAtomically } from '../../io/write-atomically';
import type { LogLine } from '../step-report';
import type { Alarm, AlarmName } from './alarms';
import { checkedLines, text, wholeFrom } from './checked-fields';
import { RUN_FILES } from './run-files';

/** What a log.jsonl holds. */
export interface LogContent {
  /** A line a step. */
  lines: LogLine[];
  alarms: Alarm[];
}

/**
 * What a training run leaves: its lines in memory, and in `log.jsonl` of a run directory as they come, each handed to the
 * operating system at once; alarms stand between them as lines of their own.
 *
 * @example
 * const log = new RunLog(null);
 * log.write({ step: 1, seconds: 0.5, reward: 0.25 });
 * log.lines.length; // 1
 */
export class RunLog {
  readonly lines: LogLine[] = [];
  readonly alarms: Alarm[] = [];
  /** Where the lines are written, or null. */
  readonly path: string | null;

  /** @param directory Default: the environment's FLOWBOOK_RUN_DIR; null keeps the lines in memory alone. */
  constructor(directory: string | null = process.env.FLOWBOOK_RUN_DIR || null) {
    this.path = directory === null ? null : join(directory, RUN_FILES.log);
  }

  /**
   * Adds a line, in memory and to the file.
   *
   * @throws When the operating system refuses.
   */
  write(line: LogLine): void {
    this.lines.push(line);
    if (this.path !== null) appendJsonLine(this.path, line);
  }

  /**
   * Puts a line in the place of the last one, in memory and in the file.
   *
   * @throws When the operating system refuses.
   */
  amend(line: LogLine): void {
    const before = JSON.stringify(this.lines.pop());
    this.lines.push(line);
    if (this.path === null) return;
    const rows = readFileSync(this.path, 'utf8').split('\n');
    const at = rows.lastIndexOf(before);
    if (at < 0) return appendJsonLine(this.path, line);
    rows[at] = JSON.stringify(line);
    writeAtomically(this.path, (append) => append(Buffer.from(rows.join('\n'))));
  }

  /**
   * Adds an alarm, in memory and as a line of the file.
   *
   * @throws When the operating system refuses.
   */
  alarm(alarm: Alarm): void {
    this.alarms.push(alarm);
    if (this.path !== null) appendJsonLine(this.path, { step: alarm.step, alarm });
  }

  /** Begins with what a run did before it was stopped, in memory and in the file. */
  restart({ lines, alarms }: LogContent): void {
    this.lines.splice(0, Infinity, ...lines);
    this.alarms.splice(0, Infinity, ...alarms);
    if (this.path === null) return;
    const rows = lines.flatMap((line) => [
      line,
      ...alarms
        .filter(({ step }) => step === line.step)
        .map((alarm) => ({ step: line.step, alarm })),
    ]);
    const text = rows.map((row) => `${JSON.stringify(row)}\n`).join('');
    writeAtomically(this.path, (append) => append(Buffer.from(text)));
  }
}

/**
 * Reads a run's log.jsonl, also while the run writes it: a last line that is not whole yet, or that a crash cut off, is left
 * out. Numbers that were not finite are NaN.
 *
 * @param directory The run's folder. Without a log it has no lines.
 * @param lastStep Lines after this step are left out. Default: none are.
 * @throws When another line is not JSON, or is neither numbers by name nor an alarm; the message names the file and the line.
 * @example
 * const { lines, alarms } = readRunLog('runs/none');
 * lines.length; // 0
 */
export function readRunLog(directory: string, lastStep = Infinity): LogContent {
  return contentOf(rowsOf(directory), lastStep);
}

/** The same of one of the trainings that wrote into the folder one after the other. @param training Which one, from 1. Default 1. */
export function readTrainingLog(directory: string, training = 1, lastStep = Infinity): LogContent {
  const parts: Row[][] = [[]];
  let last = -1;
  for (const row of rowsOf(directory)) {
    if (row.alarm === undefined && row.step <= last) parts.push([]);
    if (row.alarm === undefined) last = row.step;
    parts.at(-1)!.push(row);
  }
  return contentOf(parts[Math.min(training, parts.length) - 1], lastStep);
}

function rowsOf(directory: string): Row[] {
  const path = join(directory, RUN_FILES.log);
  return existsSync(path) ? checkedLines(rowSchema, path) : [];
}

function contentOf(rows: readonly Row[], lastStep: number): LogContent {
  const content: LogContent = { lines: [], alarms: [] };
  for (const row of rows) {
    if (row.step > lastStep) continue;
    if (row.alarm !== undefined) content.alarms.push(row.alarm);
    else content.lines.push(withNaN(row));
  }
  return content;
}

const alarmSchema = z.object(
  {
    step: wholeFrom(0),
    name: text as z.ZodType<AlarmName>,
    symptom: text,
    cause: text,
    action: text,
  },
  'must be an object',
);

const rowSchema = z
  .object({ step: wholeFrom(0), alarm: alarmSchema.optional() }, 'must be an object')
  .catchall(
    z.custom<number | null>(
      (value) => value === null || typeof value === 'number',
      'must be a number, or null',
    ),
  );

type Row = z.infer<typeof rowSchema>;

/** JSON has no NaN, and null in its place. */
function withNaN(row: object): LogLine {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, value === null ? NaN : value]),
  ) as LogLine;
}
