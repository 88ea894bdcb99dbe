import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { outputFence } from '../engine-messages';

const [FENCE_START, FENCE_END] = outputFence(1).split('1');
const FENCE = new RegExp(`${FENCE_START}(\\d+)${FENCE_END}`, 'g');
const LONGEST_FENCE = outputFence(Number.MAX_SAFE_INTEGER).length;

/** One raw output stream of the engine: passes its text on and notices the fence that ends a cell. */
export class RawOutput {
  private readonly decoder = new StringDecoder('utf8');
  private held = '';
  private lastFence = 0;
  private readonly waiting: { cell: number; settle: () => void }[] = [];

  constructor(
    stream: Readable,
    private readonly pass: (text: string) => void,
  ) {
    stream.on('data', (chunk: Buffer) => this.receive(this.decoder.write(chunk)));
    stream.on('end', () => this.end());
  }

  /** Resolves when everything printed before the end of `cell` has been passed on. */
  fence(cell: number): Promise<void> {
    if (this.lastFence >= cell) return Promise.resolve();
    return new Promise((settle) => this.waiting.push({ cell, settle }));
  }

  private receive(text: string): void {
    let rest = this.held + text;
    this.held = '';
    const output = rest.replace(FENCE, (_, cell: string) => {
      this.lastFence = Math.max(this.lastFence, Number(cell));
      return '';
    });
    rest = output;
    const start = rest.lastIndexOf('\u0000');
    if (start >= 0 && rest.length - start < LONGEST_FENCE) {
      this.held = rest.slice(start); // perhaps the first half of a fence
      rest = rest.slice(0, start);
    }
    if (rest !== '') this.pass(rest);
    this.settleFences();
  }

  private settleFences(): void {
    while (this.waiting.length > 0 && this.waiting[0].cell <= this.lastFence) {
      this.waiting.shift()?.settle();
    }
  }

  private end(): void {
    if (this.held !== '') this.pass(this.held);
    this.held = '';
    this.lastFence = Number.MAX_SAFE_INTEGER;
    this.settleFences();
  }
}
