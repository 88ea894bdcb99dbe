/** What a Jupyter server lets through by default, in a window of 3 seconds; it drops the rest. */
const WINDOW_MS = 3000;
const STREAM_BYTES = 3_000_000;
const MESSAGES = 3000;
/** Kept free: the server counts when it receives, which may bunch what was sent evenly. */
const SHARE = 0.85;
const MARGIN_MS = 200;

interface Sent {
  time: number;
  bytes: number;
}

/** Tells how long a message must wait so that a Jupyter server with default settings drops none. */
export class OutputPace {
  private readonly recent: Sent[] = [];
  private bytes = 0;

  constructor(private readonly now: () => number = () => performance.now()) {}

  /** Milliseconds until a message with this many bytes of printed text may go; then it counts as sent. */
  delayFor(bytes: number): number {
    const now = this.now();
    this.forget(now);
    let free = 0; // how many of the oldest messages must leave the window first
    let left = this.bytes;
    while (
      free < this.recent.length &&
      (left + bytes > STREAM_BYTES * SHARE || this.recent.length - free >= MESSAGES * SHARE)
    ) {
      left -= this.recent[free].bytes;
      free += 1;
    }
    const time =
      free === 0 ? now : Math.max(now, this.recent[free - 1].time + WINDOW_MS + MARGIN_MS);
    this.recent.push({ time, bytes });
    this.bytes += bytes;
    return time - now;
  }

  private forget(now: number): void {
    let old = 0;
    while (old < this.recent.length && this.recent[old].time + WINDOW_MS + MARGIN_MS <= now) {
      this.bytes -= this.recent[old].bytes;
      old += 1;
    }
    if (old > 0) this.recent.splice(0, old);
  }
}
