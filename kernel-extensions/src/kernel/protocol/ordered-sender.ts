/** The part of a ZeroMQ socket that a sender needs. */
interface FrameSink {
  send(frames: Buffer[]): Promise<void>;
}

/**
 * Sends messages over one socket, one at a time and in the order given.
 * ZeroMQ refuses a second send while one is pending; without this queue that message would be lost.
 */
export class OrderedSender {
  private readonly waiting: Buffer[][] = [];
  private sending = false;
  private whenEmpty: (() => void)[] = [];

  /** @param delayFor milliseconds that a message waits when its turn has come. */
  constructor(
    private readonly socket: FrameSink,
    private readonly delayFor: (frames: Buffer[]) => number = () => 0,
  ) {}

  /** Puts a message at the end of the queue. */
  send(frames: Buffer[]): void {
    this.waiting.push(frames);
    if (!this.sending) void this.drain();
  }

  /** Resolves when everything given so far has been handed to ZeroMQ. */
  flushed(): Promise<void> {
    if (!this.sending) return Promise.resolve();
    return new Promise((resolve) => this.whenEmpty.push(resolve));
  }

  private async drain(): Promise<void> {
    this.sending = true;
    let next = 0;
    while (next < this.waiting.length) {
      const delay = this.delayFor(this.waiting[next]);
      if (delay > 0) await new Promise((settle) => setTimeout(settle, delay));
      try {
        await this.socket.send(this.waiting[next]);
      } catch (error) {
        process.stderr.write(`A message could not be sent: ${String(error)}\n`);
      }
      next += 1;
      if (next === 1024) {
        this.waiting.splice(0, next);
        next = 0;
      }
    }
    this.waiting.length = 0;
    this.sending = false;
    for (const resolve of this.whenEmpty.splice(0)) resolve();
  }
}
