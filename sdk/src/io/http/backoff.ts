import type { RandomKey } from '../../core/random-key';

/** Largest `backoffMs`: timers keep it doubled, too. */
export const LONGEST_BACKOFF_MS = 600_000;

/**
 * The wait after a failed try, in milliseconds: the longest one doubles with each further failure, and what is waited is drawn
 * between half of it and all, so that clients do not come back together.
 *
 * @param attempt From 0.
 */
export function backoffAfter(
  attempt: number,
  { backoffMs, key }: { backoffMs: number; key: RandomKey },
): number {
  return backoffMs * 2 ** attempt * (0.5 + 0.5 * key.fold(attempt).uniform());
}
