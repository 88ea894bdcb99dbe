import { appendFileSync, existsSync } from 'node:fs';
import * as path from 'node:path';
import { checkedFields } from '@flowbook/sdk';
import { z } from 'zod';
import { readKeptLines } from '../run-folder/kept-json';

/** One thing that happened in a run; `progress.jsonl` and `--json` have a line for each. */
export type ProgressEvent =
  | { event: 'start'; directory: string; resumed: boolean }
  | { event: 'cell'; cell: string; state: 'running' }
  | { event: 'cell'; cell: string; state: 'done' | 'restored' | 'failed'; seconds: number }
  | { event: 'message'; message: string }
  | { event: 'end'; state: string; exitCode: number; seconds: number };

/** The file of a run's folder that progress is written to. */
export const progressFile = 'progress.jsonl';

/** Appends an event to a run's `progress.jsonl`. @returns Its line. */
export function keepEvent(directory: string, event: ProgressEvent): string {
  const line = JSON.stringify({ time: new Date().toISOString(), ...event });
  appendFileSync(path.join(directory, progressFile), `${line}\n`);
  return line;
}

/** A cell that has come to its end. */
export interface EndedCell {
  cell: string;
  state: 'done' | 'restored' | 'failed';
  seconds: number;
}

const ended = ['done', 'restored', 'failed'] as const;

const eventSchema = z.looseObject({ event: z.string('must be a text') }, 'must be an object');

const endedSchema = z.object({
  cell: z.string('must be a text'),
  state: z.enum(ended, `must be one of ${ended.join(', ')}`),
  seconds: z.number('must be a number'),
});

/**
 * The cells that a run has ended so far, in order. A last line that is not whole yet is left out.
 *
 * @throws When another line is no event; the message names file, line, field and value.
 */
export function endedCells(directory: string): EndedCell[] {
  const file = path.join(directory, progressFile);
  if (!existsSync(file)) return [];
  return readKeptLines(file, eventSchema).flatMap((row, at) =>
    row.event === 'cell' && row.state !== 'running'
      ? [checkedFields(endedSchema, row, file, `row ${at + 1}`)]
      : [],
  );
}

/** Says how a run goes: in words on stderr, or a JSON object a line; always in the run's folder. */
export class Progress {
  /** Before the script goes to its notebook's folder. */
  private readonly cwd = process.cwd();

  constructor(
    private readonly directory: string,
    private readonly asJson: boolean,
  ) {}

  tell(event: ProgressEvent): void {
    const line = keepEvent(this.directory, event);
    const text = this.asJson ? line : this.inWords(event);
    if (text !== null) process.stderr.write(`${text}\n`);
  }

  /** The run's folder as the user who started it would write it. */
  get place(): string {
    const below = path.relative(this.cwd, this.directory);
    return below.startsWith('..') ? this.directory : below || '.';
  }

  private inWords(event: ProgressEvent): string | null {
    switch (event.event) {
      case 'start':
        return event.resumed ? `Going on in ${this.place}` : `Writing to ${this.place}`;
      case 'cell':
        if (event.state === 'running') return null;
        if (event.state === 'restored') return `[${event.cell}] restored`;
        return `[${event.cell}] ${event.state === 'failed' ? 'failed after ' : ''}${event.seconds.toFixed(1)} s`;
      case 'message':
        return event.message;
      case 'end':
        return null;
    }
  }
}
