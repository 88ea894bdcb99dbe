import { setTimeout as sleep } from 'node:timers/promises';
import type { RandomKey } from '../../core/random-key';
import { HttpError } from './http-error';

/** How often and when something is tried again. */
export interface RetryOptions {
  /** Tries after the first one. */
  retries: number;
  /** Longest wait before the second try; it doubles with every further one. */
  backoffMs: number;
  /** The wait is drawn by it between half of the longest and all of it, so that clients do not come back together. */
  key: RandomKey;
  signal: AbortSignal | null;
}

/** The wait after a failed try, in milliseconds. @param attempt From 0. */
export function backoffAfter(
  attempt: number,
  { backoffMs, key }: Pick<RetryOptions, 'backoffMs' | 'key'>,
): number {
  return backoffMs * 2 ** attempt * (0.5 + 0.5 * key.fold(attempt).uniform());
}

/**
 * Does `work` until it succeeds, again after a failure that may pass.
 *
 * @throws The last failure, with the number of tries; the signal's reason once that is aborted.
 */
export async function withRetries<Result>(
  work: () => Promise<Result>,
  options: RetryOptions,
): Promise<Result> {
  const { retries, signal } = options;
  for (let attempt = 0; ; attempt++) {
    signal?.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof HttpError) || !error.isPassing) throw error;
      if (attempt === retries) throw lastFailure(error, attempt + 1);
    }
    await pause(backoffAfter(attempt, options), signal);
  }
}

function lastFailure(error: HttpError, tries: number): HttpError {
  if (tries === 1) return error;
  return new HttpError(`${error.message} (${tries} tries)`, true, { cause: error });
}

async function pause(ms: number, signal: AbortSignal | null): Promise<void> {
  try {
    await sleep(ms, undefined, { signal: signal ?? undefined });
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  }
}
