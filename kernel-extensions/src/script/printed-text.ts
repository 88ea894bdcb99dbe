import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';

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

/** What each cell printed, by its id, in order. */
export function readPrintedText(directory: string): Map<string, string> {
  const file = path.join(directory, printedFile);
  const texts = new Map<string, string>();
  if (!existsSync(file)) return texts;
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (line === '') continue;
    const { cell, text } = JSON.parse(line) as { cell: string | null; text: string };
    texts.set(cell ?? '', (texts.get(cell ?? '') ?? '') + text);
  }
  return texts;
}
