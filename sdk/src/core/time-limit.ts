import { onAbort } from './on-abort';

/** Longest limit that timers keep: one beyond it would be over at once. */
export const LONGEST_LIMIT_MS = 2 ** 31 - 1;

/** Whether timers keep a limit. */
export function isTimeLimit(milliseconds: number): boolean {
  return milliseconds >= 1 && milliseconds <= LONGEST_LIMIT_MS;
}

/** How long work is waited for. */
export interface TimeLimit {
  /** In milliseconds; null: as long as it takes. */
  limitMs: number | null;
  /** Ends the wait, too. */
  signal: AbortSignal | null;
  /** What the wait fails with when time is up. */
  tooLate: () => Error;
}

/**
 * Waits for work that may never end. Work that is not waited for any more has its signal aborted, with the reason; what it
 * comes to after that counts for nothing.
 *
 * @param work May be stopped where it waits. A loop that never ends holds up the timer, too.
 * @throws What the work throws, what `tooLate` gives, or the signal's reason.
 */
export async function withTimeLimit<Result>(
  work: (signal: AbortSignal) => Promise<Result>,
  { limitMs, signal, tooLate }: TimeLimit,
): Promise<Result> {
  signal?.throwIfAborted();
  const own = new AbortController();
  let forget = () => {};
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<Result>((resolve, reject) => {
      const end = (reason: unknown) => {
        own.abort(reason);
        reject(reason as Error);
      };
      forget = onAbort(signal, () => end(signal?.reason));
      if (limitMs !== null) timer = setTimeout(() => end(tooLate()), limitMs);
      work(own.signal).then(resolve, reject);
    });
  } finally {
    forget();
    clearTimeout(timer);
  }
}
