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
    this.controller.abort(new DOMException('The cell was interrupted', 'AbortError'));
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
