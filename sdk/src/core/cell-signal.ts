const CELL = Symbol.for('flowbook.cell');

/**
 * The signal that stops the notebook cell which is running, or null outside of a notebook.
 *
 * A long loop takes it as its default, so that the interrupt button stops the loop.
 */
export function cellSignal(): AbortSignal | null {
  const cell = (globalThis as Record<symbol, unknown>)[CELL] as
    { signal?: AbortSignal } | undefined;
  return cell?.signal ?? null;
}

/** Throws the signal's reason once it is aborted. */
export function throwIfAborted(signal: AbortSignal | null | undefined): void {
  signal?.throwIfAborted();
}
