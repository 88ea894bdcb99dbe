const CELL = Symbol.for('flowbook.cell');

/**
 * The signal that stops the notebook cell which is running, or null outside of a notebook.
 *
 * A long loop takes it as its default, so that the interrupt button stops the loop.
 *
 * @example
 * cellSignal(); // null // here, outside of a notebook
 */
export function cellSignal(): AbortSignal | null {
  const cell = (globalThis as Record<symbol, unknown>)[CELL] as
    { signal?: AbortSignal } | undefined;
  return cell?.signal ?? null;
}

/**
 * Ends a loop that was asked to stop.
 *
 * @throws The signal's reason once it is aborted.
 *
 * @example
 * throwIfAborted(new AbortController().signal); // undefined // not aborted: the loop goes on
 */
export function throwIfAborted(signal: AbortSignal | null | undefined): void {
  signal?.throwIfAborted();
}
