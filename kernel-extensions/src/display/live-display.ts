import { randomUUID } from 'node:crypto';
import { ANYTHING, checkOptions, type Rules } from '@flowbook/sdk/option-rules';
import { publishInOrder, unsettledDisplays } from './publish-queue';
import { displaySink } from './sinks/current-sink';
import type { DisplaySink } from './sinks/display-sink';
import { toBundle } from './to-bundle';

/** Two frames a second: more cannot be read, and each frame resends all its data. */
const shortestIntervalMs = 500;

/** How a live display draws. */
export interface LiveDisplayOptions {
  /** Least time between two frames in milliseconds; default and least 500. */
  intervalMs?: number;
  /** Kebab-case name for files; default is the drawing's own. */
  name?: string;
  /** Default: the current sink at the time of creation. */
  sink?: DisplaySink;
}

/** What the options of a live display must be. */
export const LIVE_DISPLAY_RULES: Rules<LiveDisplayOptions> = {
  intervalMs: ANYTHING,
  name: ANYTHING,
  sink: ANYTHING,
};

/**
 * One output that changes while a loop runs. Frames have no PNG and come at most twice a second; the
 * newest value wins, and the last one is always drawn, in full, by `finish()` or at the cell's end.
 */
export class LiveDisplay {
  private readonly intervalMs: number;
  private readonly sink: DisplaySink;
  private readonly name: string | undefined;
  private latest: unknown;
  private waiting = false;
  /** Whether the sink has its output, which later frames replace. */
  private shown = false;
  private frameAt = -Infinity;
  private timer: NodeJS.Timeout | undefined;
  private drawing: Promise<void> = Promise.resolve();
  /** The displays that this one is drawn among. */
  private among = unsettledDisplays();
  private failure: { reason: unknown } | undefined;

  constructor(
    readonly displayId: string,
    options: LiveDisplayOptions = {},
  ) {
    checkOptions('display', options, LIVE_DISPLAY_RULES);
    this.intervalMs = Math.max(shortestIntervalMs, options.intervalMs ?? shortestIntervalMs);
    this.sink = options.sink ?? displaySink();
    this.name = options.name;
  }

  /**
   * Shows a value in place of the last one, now or within `intervalMs`. Returns at once.
   *
   * @param value anything that `toBundle` takes, or a function that makes it; a function is called
   * for the frames that are drawn only.
   */
  update(value: unknown): void {
    this.latest = value;
    this.waiting = true;
    this.among = unsettledDisplays();
    this.among.add(this);
    if (this.timer !== undefined) return;
    const delay = Math.max(0, this.frameAt + this.intervalMs - performance.now());
    if (delay === 0) this.frame();
    else this.timer = setTimeout(() => this.frame(), delay);
  }

  /** Draws the last frame in full, with its PNG; with an argument, that value becomes the last. */
  async finish(...value: [] | [value: unknown]): Promise<void> {
    if (value.length === 1) this.update(value[0]);
    await this.settle();
  }

  /** @internal What `settleDisplays` calls at the end of a cell. */
  async settle(): Promise<void> {
    const unsettled = unsettledDisplays();
    const isBegun = this.frameAt > -Infinity;
    const isAbandoned = isBegun && this.among !== unsettled; // its last frame may never have been drawn
    this.among = unsettled;
    if (unsettled.delete(this) || isAbandoned) {
      this.cancelTimer();
      this.waiting = false;
      this.drawing = this.draw(false);
    }
    await this.drawing;
    const failure = this.failure;
    this.failure = undefined;
    if (failure) throw failure.reason;
  }

  private frame(): void {
    this.cancelTimer();
    if (!this.waiting) return;
    this.waiting = false;
    this.frameAt = performance.now();
    this.drawing = this.draw(true);
  }

  private draw(live: boolean): Promise<void> {
    const { latest, displayId, name } = this;
    const drawn = toBundle(
      typeof latest === 'function' ? callLater(latest as () => unknown) : latest,
      {
        png: !live,
      },
    );
    return publishInOrder(drawn, async (bundle) => {
      const options = { displayId, update: this.shown, live };
      await this.sink.publish(name === undefined ? bundle : { ...bundle, name }, options);
      this.shown = true;
    }).catch((reason: unknown) => {
      // A frame has no caller to throw at: finish() reports the first one that failed.
      this.failure ??= { reason };
    });
  }

  private cancelTimer(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}

/** Calls a value's maker inside the display, where a failure becomes a note on the output. */
function callLater(make: () => unknown): object {
  return { [Symbol.for('Jupyter.display')]: () => make() };
}

/**
 * An output that is updated while a loop runs, at most twice a second.
 *
 * @param displayId names the output; made up when absent.
 * @example
 * const live = liveDisplay();
 * const log: { step: number; reward: number }[] = [];
 * for (let step = 0; step < 3; step++) {
 *   log.push({ step, reward: step / 3 });
 *   live.update(() => rewardCurve(log));
 * }
 * await live.finish();
 */
export function liveDisplay(
  displayId: string = randomUUID(),
  options?: LiveDisplayOptions,
): LiveDisplay {
  return new LiveDisplay(displayId, options);
}
