import { appendFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CellOutput } from './protocol/outputs';

/** A cell's printed text up to here reaches the notebook; the rest goes to a file. */
const OUTPUT_LIMIT_BYTES = 32 << 20;

/** Folder of such files, beside the notebook, where its front end can link to it. */
const FOLDER = 'flowbook-output';

interface CellText {
  bytes: number;
  file: string | null;
}

/** What becomes of a piece of printed text. */
export interface CappedText {
  /** The part that is sent. */
  text: string;
  /** Told once, when the cell reaches the limit: where the rest is. */
  notice: CellOutput | null;
}

/** Keeps a burst of printed text from filling the memory of the kernel, its client and the notebook. */
export class OutputCap {
  private readonly cells = new Map<number, CellText>();
  private readonly started = new Date().toISOString().slice(0, 19).replaceAll(':', '-');

  /** @param kind part of the files' names, for what prints apart from the cells' own JavaScript. */
  constructor(
    private readonly cwd: string,
    private readonly kind: 'cell' | 'native',
    private readonly limitBytes = OUTPUT_LIMIT_BYTES,
  ) {}

  take(cell: number, text: string): CappedText {
    let known = this.cells.get(cell);
    if (!known) this.cells.set(cell, (known = { bytes: 0, file: null }));
    if (known.file === null) {
      const bytes = Buffer.byteLength(text);
      if (known.bytes + bytes <= this.limitBytes) {
        known.bytes += bytes;
        return { text, notice: null };
      }
    }
    const sent = known.file === null ? startOf(text, this.limitBytes - known.bytes) : '';
    const rest = text.slice(sent.length);
    if (known.file !== null) {
      appendFileSync(known.file, rest);
      return { text: '', notice: null };
    }
    const name = `${this.started}-${process.pid}-${this.kind}-${cell}.txt`;
    known.file = this.write(name, rest);
    return { text: sent, notice: this.notice(known.file) };
  }

  /** Beside the notebook, or among temporary files where nothing can be written there. */
  private write(name: string, text: string): string {
    try {
      return writeInto(join(this.cwd, FOLDER), name, text);
    } catch {
      return writeInto(join(tmpdir(), FOLDER), name, text);
    }
  }

  private notice(file: string): CellOutput {
    const isBeside = file.startsWith(join(this.cwd, FOLDER));
    const shown = isBeside ? file.slice(this.cwd.length + 1) : file;
    const limit = `${Math.round(this.limitBytes / (1 << 20))} MiB`;
    const words = `This cell has printed more than ${limit}; the rest is in`;
    const link = isBeside ? `<a href="${shown}">${shown}</a>` : `<code>${shown}</code>`;
    return {
      output_type: 'display_data',
      data: { 'text/plain': `${words} ${shown}`, 'text/html': `<p>${words} ${link}</p>` },
      metadata: {},
      transient: {},
    };
  }
}

function writeInto(folder: string, name: string, text: string): string {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, name);
  appendFileSync(file, text);
  return file;
}

/** The longest start of a text that has at most so many bytes, in whole characters. */
function startOf(text: string, bytes: number): string {
  const encoded = new Uint8Array(bytes);
  const { read } = new TextEncoder().encodeInto(text, encoded);
  return text.slice(0, read);
}
