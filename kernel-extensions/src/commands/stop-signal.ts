import { exitCodes } from '../script/exit-codes';
import { heedSignals } from '../script/heed-stops';

/** What a stopped command ends with, as shells count signals. */
const codes = {
  SIGHUP: 129,
  SIGINT: exitCodes.interrupted,
  SIGTERM: exitCodes.terminated,
} as const;

/** A stop that was asked for by Ctrl-C or a polite kill. */
export interface StopRequest {
  signal: AbortSignal;
  /** What a command ends with that was stopped; null when it was not. */
  code(): number | null;
  /** Gives those keys their usual meaning back. */
  forget(): void;
}

/** Aborts on Ctrl-C or a polite kill; a second one ends the process at once. */
export function stopSignal(): StopRequest {
  const controller = new AbortController();
  const code = (): number | null => (stops.by === null ? null : codes[stops.by]);
  const stops = heedSignals(
    ['SIGINT', 'SIGTERM', 'SIGHUP'],
    (by) => controller.abort(new Error(`stopped by ${by}`)),
    () => process.exit(code()),
  );
  return { signal: controller.signal, code, forget: () => stops.end() };
}
