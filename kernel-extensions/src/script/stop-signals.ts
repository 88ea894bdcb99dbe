import type { StopSignal } from './exit-codes';
import { heedStops, type Stops } from './heed-stops';
import { isTraining } from '../run-folder/run-folders';

/** Time that a stopped cell has to end by itself. A run that is being trained has as long as its step and its checkpoint take. */
const graceMs = 3000;

/** Stops a script politely: the first signal aborts the cells' own, and the run is over when the cell has ended or time is up; the second ends it at once. */
export class StopSignals {
  /** Resolves when the script must not wait any longer. */
  readonly over: Promise<void>;
  private readonly abort = new AbortController();
  private readonly stops: Stops;

  /** @param directory where the script writes. */
  constructor(directory: string, say: (message: string) => void) {
    let end = (): void => undefined;
    this.over = new Promise((resolve) => (end = resolve));
    this.stops = heedStops((by) => {
      const what = by === 'SIGINT' ? 'Interrupted' : 'Stopped by SIGTERM';
      say(`${what}: the cell may finish its step. Again: stops now.`);
      this.abort.abort(new Error(`The script was stopped by ${by}`));
      const look = (): void => {
        if (isTraining(directory)) setTimeout(look, graceMs).unref();
        else end();
      };
      setTimeout(look, graceMs).unref();
    }, end);
  }

  /** The signal that came first. */
  get by(): StopSignal | null {
    return this.stops.by;
  }

  get signal(): AbortSignal {
    return this.abort.signal;
  }
}
