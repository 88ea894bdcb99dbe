import { randomUUID } from 'node:crypto';
import { ANYTHING, checkOptions, type Rules } from '@flowbook/sdk/option-rules';
import { display, liveDisplay, type LiveDisplay, progress, updateDisplay } from '../display';
import { type Unsettled, unsettledDisplays } from '../display/publish-queue';
import { commsAvailable } from '../kernel/comms';
import { bar, box, button, label } from './controls';
import { ownCell } from './own-cell';

/** Options of `progressBar()`. */
export interface ProgressBarOptions {
  /** How much there is to do, more than 0. */
  total: number;
  /** What is counted, in the singular. Default `step`. */
  unit?: string;
  title?: string;
}

const RULES: Rules<ProgressBarOptions> = { total: ANYTHING, unit: ANYTHING, title: ANYTHING };

/** Twice a second, as all that is live. */
const intervalMs = 500;

/** How long a bar's widgets outlive it: a front end that is still loading them to draw them fails when they go. */
const closeAfterMs = 10_000;

/** The widget in the front end. */
interface Shown {
  move(done: number, words: string): void;
  close(): void;
}

/** A loop's progress, with a button that stops it. */
export class ProgressBar implements Unsettled {
  readonly #options: ProgressBarOptions;
  readonly #displayId = randomUUID();
  readonly #begin = performance.now();
  readonly #stop = new AbortController();
  readonly #cell = ownCell();
  readonly #shown: Shown | LiveDisplay;
  /** Aborted by the Stop button, and with the cell. */
  readonly signal: AbortSignal;
  #done = 0;
  #shownAt = -Infinity;
  #ended = false;

  constructor(options: ProgressBarOptions) {
    checkOptions('show progress', options, RULES);
    this.#options = options;
    const signals = [this.#stop.signal, ...(this.#cell?.signal ? [this.#cell.signal] : [])];
    this.signal = AbortSignal.any(signals);
    const first = this.#drawing('running');
    this.#shown = commsAvailable() ? this.#widget(first.text) : liveDisplay(this.#displayId);
    unsettledDisplays().add(this);
  }

  /** Whether Stop was pressed or the cell interrupted. */
  get stopped(): boolean {
    return this.signal.aborted;
  }

  /**
   * Shows how much is done, at most twice a second, and lets the button's click come through.
   *
   * @throws the signal's reason once the loop is to stop.
   */
  async update(done: number): Promise<void> {
    this.#done = done;
    const now = performance.now();
    if (now - this.#shownAt >= intervalMs) {
      this.#shownAt = now;
      if ('move' in this.#shown) this.#shown.move(done, this.#words());
      else this.#shown.update(this.#drawing('running'));
    }
    await new Promise((resolve) => setImmediate(resolve));
    this.signal.throwIfAborted();
  }

  /** Leaves the bar as it ended, as a picture that a saved notebook keeps. A cell's end does so, too. */
  async finish(state?: string): Promise<void> {
    unsettledDisplays().delete(this);
    if (this.#ended) return;
    this.#ended = true;
    const whole = this.#done >= this.#options.total;
    const last = this.#drawing(
      state ?? (whole ? 'finished' : this.stopped ? 'stopped' : 'ended early'),
    );
    const shown = this.#shown;
    if ('move' in shown) {
      await updateDisplay(this.#displayId, last);
      setTimeout(() => shown.close(), closeAfterMs).unref();
    } else await shown.finish(last);
  }

  /** @internal What the cell's end calls. */
  settle(): Promise<void> {
    return this.finish();
  }

  #drawing(state: string) {
    const { total, unit, title } = this.#options;
    const seconds = (performance.now() - this.#begin) / 1000;
    return progress({ done: this.#done, total, seconds }, { unit, title, state });
  }

  #words(): string {
    return this.#drawing('running')
      .text.replace(/^[^]*?: /, '')
      .replace(/ {2}[█░]+ {2}/u, '  ·  ');
  }

  #widget(text: string): Shown {
    const { total, title = 'Progress' } = this.#options;
    const parts = {
      title: label(title),
      bar: bar(total),
      stop: button('Stop', {
        tooltip: 'Stops the loop at its next step',
        icon: 'stop',
        onClick: () => {
          parts.stop.set({ disabled: true, description: 'Stopping' });
          this.#stop.abort(new DOMException('Stop was pressed', 'AbortError'));
          this.#cell?.interrupt?.();
        },
      }),
      words: label(''),
    };
    const all = box('HBox', Object.values(parts));
    void display(all.bundle({ 'text/plain': text }), { displayId: this.#displayId });
    return {
      move: (done, words) => {
        parts.bar.set({ value: done });
        parts.words.set({ value: words });
      },
      close: () => all.close(),
    };
  }
}

/**
 * A loop's progress in the notebook: a bar with the time left and a Stop button. Stop aborts the bar's `signal` and the
 * cell's own, as an interrupt does, so that trainers end between two steps and cells that wait are not run; and the next
 * `update` throws. When the loop has ended, a picture of
 * the bar takes its place. Outside of a notebook the bar is printed.
 *
 * @throws if `total` is not above 0.
 * @example
 * const bar = progressBar({ total: 3, unit: 'picture' });
 * for (let done = 1; done <= 3; done++) await bar.update(done);
 * await bar.finish();
 * bar.stopped; // false
 */
export function progressBar(options: ProgressBarOptions): ProgressBar {
  return new ProgressBar(options);
}
