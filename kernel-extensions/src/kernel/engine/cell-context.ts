import { AsyncLocalStorage } from 'node:async_hooks';
import { allowUnbalancedAsyncHooks } from './async-hook-checks';

/** What code in a cell can know of its cell, as `globalThis[Symbol.for('flowbook.cell')]`. */
export class CellContext {
  private readonly controller = new AbortController();
  /** Aborted when the user interrupts the cell. */
  readonly signal: AbortSignal = this.controller.signal;

  constructor(
    /** Serial number in this session. */
    readonly id: number,
    /** The number shown beside the cell; null for cells that are not counted. */
    readonly executionCount: number | null,
    /** Whether the client answers requests for input. */
    readonly allowInput: boolean,
    /** Silent cells publish no result. */
    readonly silent: boolean,
  ) {}

  /** The same cell, not interrupted. */
  renewed(): CellContext {
    return new CellContext(this.id, this.executionCount, this.allowInput, this.silent);
  }

  interrupt(): void {
    const reason = new DOMException('The cell was interrupted', 'AbortError');
    interruptions.add(reason);
    this.controller.abort(reason);
  }
}

/** What signals of cells were aborted with. */
const interruptions = new WeakSet<object>();

/** Whether something was thrown as a cell was interrupted: its signal's reason, an error with that cause, or an AbortError in it. */
export function isOfInterrupt(thrown: unknown): boolean {
  try {
    const { name, cause } = thrown as Error;
    if (name !== 'AbortError') return false;
    return (
      currentCell().signal.aborted ||
      [thrown, cause].some((one) => interruptions.has(one as object))
    );
  } catch {
    return false; // it has a getter that throws, or is null
  }
}

const storage = new AsyncLocalStorage<CellContext>();
let latest = new CellContext(0, null, false, true);

/** Runs `work` so that it and every callback it starts belong to `cell`. */
export function runInCell<T>(cell: CellContext, work: () => T): T {
  latest = cell;
  return storage.run(cell, () => {
    allowUnbalancedAsyncHooks();
    return work();
  });
}

/** Runs a callback for a cell that has ended: with its number, and with a signal of its own. */
export function runForCell<T>(cell: CellContext, work: () => T): T {
  return storage.run(cell, work);
}

/** The cell that the calling code belongs to; the latest one where that is not known. */
export function currentCell(): CellContext {
  return storage.getStore() ?? latest;
}
