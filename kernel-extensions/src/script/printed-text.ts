import { appendFileSync, existsSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { z } from 'zod';
import { readKeptLines } from '../run-folder/kept-json';

/** The file of a run's folder with what the cells printed: `{ cell, text }` a line. */
export const printedFile = 'printed.jsonl';

/** Keeps what cells write to stdout, by cell, while it goes on to stdout. */
export class PrintedText {
  private readonly file: string;
  private text = '';
  private restore: (() => void) | undefined;

  constructor(directory: string) {
    this.file = path.join(directory, printedFile);
  }

  begin(): void {
    writeFileSync(this.file, '');
    const { stdout } = process;
    const write = stdout.write.bind(stdout) as typeof stdout.write;
    const decoder = new TextDecoder();
    stdout.write = ((chunk: string | Uint8Array, ...rest: []) => {
      this.text += typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true });
      return write(chunk, ...rest);
    }) as typeof stdout.write;
    this.restore = () => {
      stdout.write = write;
    };
  }

  /** Ends a cell. @returns what it printed. */
  endOf(cell: string | undefined): string {
    const { text } = this;
    this.text = '';
    if (text !== '') appendFileSync(this.file, `${JSON.stringify({ cell: cell ?? null, text })}\n`);
    return text;
  }

  end(cell: string | undefined): void {
    this.endOf(cell);
    this.restore?.();
  }
}

const lineSchema = z.object(
  {
    cell: z.string('must be a text, or null').nullable(),
    text: z.string('must be a text'),
  },
  'must be an object',
);

/**
 * What each cell printed, by its id, in order. A last line that is not whole is left out.
 *
 * @throws When another line is not what a cell printed; the message names file, line, field and value.
 */
export function readPrintedText(directory: string): Map<string, string> {
  const file = path.join(directory, printedFile);
  const texts = new Map<string, string>();
  if (!existsSync(file)) return texts;
  for (const { cell, text } of readKeptLines(file, lineSchema)) {
    texts.set(cell ?? '', (texts.get(cell ?? '') ?? '') + text);
  }
  return texts;
}
