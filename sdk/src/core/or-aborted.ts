import { onAbort } from './on-abort';

/**
 * What a promise gives, unless the signal is aborted before.
 *
 * @throws The signal's reason once it is aborted; what the promise comes to after that counts for nothing.
 * @example
 * await orAborted(Promise.resolve(3), null); // 3
 */
export async function orAborted<Result>(
  promise: Promise<Result>,
  signal: AbortSignal | null,
): Promise<Result> {
  if (signal === null) return promise;
  // Whoever gave it up does not see that it fails, either.
  promise.catch(() => {});
  signal.throwIfAborted();
  let forget = () => {};
  const aborted = new Promise<never>((_, reject) => {
    forget = onAbort(signal, () => reject(signal.reason as Error));
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    forget();
  }
}
