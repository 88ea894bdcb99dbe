import type { Message } from '../protocol/message';

interface QueuedRequest {
  message: Message;
  aborted: boolean;
}

/** Shell requests, handled one after another in the order they came. */
export class RequestQueue {
  private readonly waiting: QueuedRequest[] = [];
  private working = false;

  constructor(private readonly handle: (message: Message, aborted: boolean) => Promise<void>) {}

  push(message: Message): void {
    this.waiting.push({ message, aborted: false });
    if (!this.working) void this.work();
  }

  /** The cells that wait now will be answered as aborted, not run. */
  abortCells(): void {
    for (const request of this.waiting) {
      if (request.message.header.msg_type === 'execute_request') request.aborted = true;
    }
  }

  private async work(): Promise<void> {
    this.working = true;
    for (let next = this.waiting.shift(); next; next = this.waiting.shift()) {
      await this.handle(next.message, next.aborted);
    }
    this.working = false;
  }
}
