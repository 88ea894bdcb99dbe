import type { Message } from '../protocol/message';

interface QueuedRequest {
  message: Message;
  aborted: boolean;
}

/** Shell requests, handled one after another in the order they came. */
export class RequestQueue {
  private readonly waiting: QueuedRequest[] = [];
  /** The request that is being handled. */
  private running: Message | null = null;

  constructor(private readonly handle: (message: Message, aborted: boolean) => Promise<void>) {}

  push(message: Message): void {
    this.waiting.push({ message, aborted: false });
    if (!this.running) void this.work();
  }

  /** Whether a cell runs or waits: who comes next may have to wait for long. */
  get holdsCell(): boolean {
    return (this.running !== null && isCell(this.running)) || this.isWaiting(isCell);
  }

  isWaiting(isWanted: (message: Message) => boolean): boolean {
    return this.waiting.some(({ message }) => isWanted(message));
  }

  /** The cells that wait now will be answered as aborted, not run. */
  abortCells(): void {
    for (const request of this.waiting) {
      if (isCell(request.message)) request.aborted = true;
    }
  }

  private async work(): Promise<void> {
    for (let next = this.waiting.shift(); next; next = this.waiting.shift()) {
      this.running = next.message;
      await this.handle(next.message, next.aborted);
      this.running = null;
    }
  }
}

function isCell({ header }: Message): boolean {
  return header.msg_type === 'execute_request';
}
