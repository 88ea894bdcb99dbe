import { copiedEntries } from '../../display/json-copy';
import type { OutputCap } from '../output-cap';
import type { CellOutput } from '../protocol/outputs';
import { clearTimeout, setTimeout } from './own-timers';

type Stream = 'stdout' | 'stderr';

/** Text that waits longer than this is sent, also from within a synchronous loop that prints. */
const LONGEST_WAIT_MS = 25;
const LARGEST_MESSAGE = 1 << 16;
/** This many prints in a row go out at once; a burst beyond them is sent in larger pieces. */
const PROMPT_MESSAGES = 20;
/** Upper six bits of the first half of a character beyond 16 bits. */
const HIGH_SURROGATES = 0xd800 >> 10;

/**
 * Puts the outputs of all cells into one order and joins what is printed in bursts.
 * A print before a long native call is on its way before that call begins.
 */
export class CellOutputs {
  private pending: { cell: number; name: Stream; text: string } | null = null;
  private timer: NodeJS.Timeout | null = null;
  private prompt = PROMPT_MESSAGES;
  private lastSent = 0;

  constructor(
    private readonly send: (cell: number, output: CellOutput) => void,
    private readonly cap: Pick<OutputCap, 'take'>,
  ) {}

  /** A new cell prints promptly, whatever the one before it did. */
  beginCell(): void {
    this.prompt = PROMPT_MESSAGES;
  }

  print(cell: number, name: Stream, text: string): void {
    if (text === '') return;
    if (this.pending && (this.pending.cell !== cell || this.pending.name !== name)) this.flush();
    if (this.pending) this.pending.text += text;
    else this.pending = { cell, name, text };
    const waited = performance.now() - this.lastSent;
    this.prompt = Math.min(PROMPT_MESSAGES, this.prompt + Math.floor(waited / LONGEST_WAIT_MS));
    const due = this.prompt > 0 || waited > LONGEST_WAIT_MS;
    if (due || this.pending.text.length > LARGEST_MESSAGE) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), LONGEST_WAIT_MS);
  }

  /** Publishes what is no text, as it is now; throws where JSON cannot hold it. */
  publish(cell: number, output: CellOutput): void {
    this.flush();
    this.send(cell, 'data' in output ? withJsonData(output) : output);
  }

  /** Sends what is held back. */
  flush(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
    const pending = this.pending;
    if (!pending) return;
    this.pending = null;
    this.prompt = Math.max(0, this.prompt - 1);
    this.lastSent = performance.now();
    const { cell, name } = pending;
    const { text, notice } = this.cap.take(cell, pending.text);
    // A Jupyter server drops one message that is larger than what it takes in three seconds.
    for (const part of piecesOf(text)) this.send(cell, { output_type: 'stream', name, text: part });
    if (notice) this.send(cell, notice);
  }
}

function withJsonData(output: Extract<CellOutput, { data: unknown }>): CellOutput {
  const data = copiedEntries((type) => `show ${type}`, output.data);
  const metadata = copiedEntries((key) => `show the metadata "${key}"`, output.metadata);
  return { ...output, data, metadata };
}

/** A text in pieces of the largest size, or twice that where it is that short; no character is cut in two. */
function* piecesOf(text: string): Generator<string> {
  let start = 0;
  while (text.length - start > 2 * LARGEST_MESSAGE) {
    let end = start + LARGEST_MESSAGE;
    if (text.charCodeAt(end - 1) >> 10 === HIGH_SURROGATES) end += 1;
    yield text.slice(start, end);
    start = end;
  }
  if (start < text.length) yield text.slice(start);
}
