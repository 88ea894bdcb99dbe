import type { Message } from '../protocol/message';

interface QueuedRequest {
  message: Message;
  aborted: boolean;
}

/** Shell requests, handled one after another in the order they came. */
export class RequestQueue {
  private readonly waiting: QueuedRequest[] = [];
  /** The request that is being handled. */
  running: Message | null = null;

  constructor(private readonly handle: (message: Message, aborted: boolean) => Promise<void>) {}

  push(message: Message): void {
    this.waiting.push({ message, aborted: false });
    if (!this.running) void this.work();
  }

  get isRunningCell(): boolean {
    return this.running?.header.msg_type === 'execute_request';
  }

  /** The cells that wait now will be answered as aborted, not run. */
  abortCells(): void {
    for (const request of this.waiting) {
      if (request.message.header.msg_type === 'execute_request') request.aborted = true;
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
