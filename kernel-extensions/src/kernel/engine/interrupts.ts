import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { clearUnbalancedAsyncHooks } from './async-hook-checks';
import type { CellContext } from './cell-context';
import { waitsForTraining } from './interrupt-patience';
import { Slot, SLOT_COUNT, type InterruptRequest } from './interrupt-slots';
import { ModuleLoads } from './module-loads';
import { setTimeout } from './own-timers';

/** After its signal was aborted, and a training of `flowbook run` is over, a cell has this long to end on its own. */
const GRACE_MS = 400;

/** What a cell is interrupted with when it does not end on its own. */
export class CellInterrupted extends Error {
  override name = 'Interrupted';

  constructor() {
    super('the cell was interrupted');
  }
}

/** Takes interrupts on the main thread and brings them to the running cell. */
export class Interrupts {
  private readonly slots = new Int32Array(new SharedArrayBuffer(4 * SLOT_COUNT));
  private readonly loads = new ModuleLoads(this.slots);
  private running: { cell: CellContext; stop: (reason: Error) => void } | null = null;
  /** A cell whose interrupt came before the cell itself. */
  private expected = 0;
  private lastBegun = 0;
  /** Cells that have ended; their callbacks may still be at work. */
  private readonly ended = new Set<WeakRef<CellContext>>();
  /** Callbacks that are at work. */
  private readonly callbacks = new Set<CellContext>();

  /**
   * @param abandon Lets go of what may never settle now, so that no cell waits for it.
   * @param tell Says in a cell's output that a callback of it was interrupted.
   */
  constructor(
    private readonly abandon: () => void,
    private readonly tell: (cell: number) => void,
  ) {
    const worker = new Worker(join(__dirname, 'interrupt-worker.js'), {
      workerData: this.slots.buffer,
      stdout: true,
      stderr: true,
    });
    worker.on('message', (interrupt: InterruptRequest) => this.take(interrupt));
    worker.unref();
  }

  /**
   * Says that `cell` runs, until `end`. `stop` is called with CellInterrupted, from the event loop and not
   * from a promise, when an interrupt leaves the cell no other way. False: it was interrupted already.
   */
  begin(cell: CellContext, stop: (reason: Error) => void): boolean {
    this.running = { cell, stop };
    this.lastBegun = cell.id;
    if (this.expected !== cell.id) return true;
    cell.interrupt();
    stop(new CellInterrupted());
    return false;
  }

  isRunning(cell: CellContext): boolean {
    return this.running?.cell === cell;
  }

  end(cell: CellContext): void {
    if (!this.isRunning(cell)) return;
    this.running = null;
    this.loads.release();
    this.settle();
    this.reach(cell);
  }

  /** An interrupt while no cell runs reaches this one too. */
  private reach(cell: CellContext): void {
    this.ended.add(new WeakRef(cell));
  }

  /** Runs a callback of a cell, with a context of its own. */
  async whileCalledBack(own: CellContext, work: () => unknown): Promise<void> {
    this.reach(own);
    this.callbacks.add(own);
    try {
      await work();
    } finally {
      this.callbacks.delete(own);
    }
  }

  /** Runs the compiler, which must not be stopped half-way. */
  whileCompiling<T>(work: () => T): T {
    Atomics.add(this.slots, Slot.Compiling, 1);
    try {
      return work();
    } finally {
      Atomics.sub(this.slots, Slot.Compiling, 1);
    }
  }

  /** Loads a module, which must not be stopped half-way unless somebody insists. */
  whileLoading<T>(work: () => Promise<T>): Promise<T> {
    return this.loads.hold(work);
  }

  /** May be called again for the same interrupt: stopping a loop can stop this function too. */
  private take({ request, cell }: InterruptRequest): void {
    const wasStopped = Atomics.load(this.slots, Slot.Stopped) === request;
    if (wasStopped) {
      clearUnbalancedAsyncHooks();
      this.loads.forgetStopped();
    }
    const { running } = this;
    const isForRunning = running && cell === running.cell.id;
    if (isForRunning) {
      const stop = (mayWait: boolean, isGraceOver: boolean): void => {
        if (this.running !== running) return;
        const isHeld = mayWait && waitsForTraining();
        if (!isHeld && isGraceOver) return running.stop(new CellInterrupted());
        setTimeout(stop, GRACE_MS, mayWait, !isHeld).unref();
      };
      setTimeout(stop, wasStopped ? 0 : GRACE_MS, !wasStopped, true).unref();
      running.cell.interrupt();
    } else if (cell > this.lastBegun) this.expected = cell;
    else if (!running && cell === 0) this.interruptEnded(wasStopped);
    // One for a cell that has ended meanwhile is none for what other cells have left running.
    else if (!running && wasStopped) this.abandon();
    // It may have been one of them that was stopped.
    if (wasStopped) this.interruptCallbacks();
    Atomics.store(this.slots, Slot.Taken, request);
    if (!isForRunning) this.settle();
  }

  /** All interrupts that were taken are done with. */
  private settle(): void {
    Atomics.store(this.slots, Slot.Settled, Atomics.load(this.slots, Slot.Taken));
  }

  /** Nothing runs: the interrupt is for what earlier cells have left running. */
  private interruptEnded(wasStopped: boolean): void {
    if (wasStopped || this.callbacks.size > 0) this.abandon();
    for (const reference of this.ended) reference.deref()?.interrupt();
    this.ended.clear();
    this.interruptCallbacks();
  }

  private interruptCallbacks(): void {
    const callbacks = [...this.callbacks];
    this.callbacks.clear();
    for (const callback of callbacks) callback.interrupt();
    for (const cell of new Set(callbacks.map(({ id }) => id))) this.tell(cell);
  }
}
