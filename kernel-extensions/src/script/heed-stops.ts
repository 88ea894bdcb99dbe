import type { StopSignal } from './exit-codes';

/** Signals that are heeded. */
export interface Stops<Signal extends NodeJS.Signals = StopSignal> {
  /** The one that came first. */
  readonly by: Signal | null;
  /** Gives them their usual meaning back. */
  end(): void;
}

/** Calls `first` when SIGINT or SIGTERM comes, and `again` each time that one comes after it. By themselves they end nothing then. */
export function heedStops(
  first: (signal: StopSignal) => void,
  again: (signal: StopSignal) => void,
): Stops {
  return heedSignals(['SIGINT', 'SIGTERM'], first, again);
}

/** The same for signals of any name. */
export function heedSignals<Signal extends NodeJS.Signals>(
  names: readonly Signal[],
  first: (signal: Signal) => void,
  again: (signal: Signal) => void,
): Stops<Signal> {
  let by: Signal | null = null;
  const heed = (signal: NodeJS.Signals): void => {
    if (by !== null) return again(signal as Signal);
    by = signal as Signal;
    first(by);
  };
  for (const name of names) process.on(name, heed);
  return {
    get by() {
      return by;
    },
    end: () => names.forEach((name) => process.off(name, heed)),
  };
}
