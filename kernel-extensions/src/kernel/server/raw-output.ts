import type { Readable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';
import { outputFence } from '../engine-messages';

const [FENCE_START, FENCE_END] = outputFence(1).split('1');
const FENCE = new RegExp(`${FENCE_START}(\\d+)${FENCE_END}`, 'g');
/** What may be the first part of a fence, at the end of what was read. */
const FENCE_BEGUN = new RegExp(`${FENCE_START[0]}[a-z:-]*\\d*${FENCE_END[0]}?$`);

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
    let rest = (this.held + text).replace(FENCE, (_, cell: string) => {
      this.lastFence = Math.max(this.lastFence, Number(cell));
      return '';
    });
    this.held = FENCE_BEGUN.exec(rest)?.[0] ?? '';
    if (this.held !== '') rest = rest.slice(0, -this.held.length);
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
