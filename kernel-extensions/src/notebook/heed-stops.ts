import type { StopSignal } from './exit-codes';

/** Signals that are heeded. */
export interface Stops {
  /** The one that came first. */
  readonly by: StopSignal | null;
  /** Gives them their usual meaning back. */
  end(): void;
}

/** Calls `first` when SIGINT or SIGTERM comes, and `again` each time that one comes after it. By themselves they end nothing then. */
export function heedStops(
  first: (signal: StopSignal) => void,
  again: (signal: StopSignal) => void,
): Stops {
  let by: StopSignal | null = null;
  const heed = (signal: StopSignal): void => {
    if (by !== null) return again(signal);
    by = signal;
    first(signal);
  };
  process.on('SIGINT', heed).on('SIGTERM', heed);
  return {
    get by() {
      return by;
    },
    end: () => void process.off('SIGINT', heed).off('SIGTERM', heed),
  };
}
