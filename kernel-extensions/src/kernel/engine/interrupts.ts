import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { clearUnbalancedAsyncHooks } from './async-hook-checks';
import type { CellContext } from './cell-context';
import { Slot, SLOT_COUNT } from './interrupt-slots';

/** After its signal was aborted a cell has this long to end on its own. */
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
  private running: { cell: CellContext; stop: (reason: Error) => void } | null = null;
  /** Cells that have ended; their callbacks may still be at work. */
  private readonly ended = new Set<WeakRef<CellContext>>();

  constructor() {
    const worker = new Worker(join(__dirname, 'interrupt-worker.js'), {
      workerData: this.slots.buffer,
      stdout: true,
      stderr: true,
    });
    worker.on('message', (request: number) => this.take(request));
    worker.unref();
  }

  /** Runs `work` for `cell`; rejects with CellInterrupted when an interrupt leaves it no other way. */
  async guard<T>(cell: CellContext, work: () => Promise<T>): Promise<T> {
    const stopped = new Promise<never>((_, stop) => (this.running = { cell, stop }));
    stopped.catch(() => {});
    try {
      return await Promise.race([work(), stopped]);
    } finally {
      this.running = null;
      this.reach(cell);
    }
  }

  /** An interrupt while no cell runs reaches this one too. */
  reach(cell: CellContext): void {
    this.ended.add(new WeakRef(cell));
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

  private take(request: number): void {
    const wasStopped = Atomics.load(this.slots, Slot.Stopped) === request;
    Atomics.store(this.slots, Slot.Taken, request);
    if (wasStopped) clearUnbalancedAsyncHooks();
    const running = this.running;
    if (!running) return this.interruptEnded();
    running.cell.interrupt();
    const stop = () => running.stop(new CellInterrupted());
    setTimeout(stop, wasStopped ? 0 : GRACE_MS).unref();
  }

  /** Nothing runs: the interrupt is for what earlier cells have left running. */
  private interruptEnded(): void {
    for (const reference of this.ended) reference.deref()?.interrupt();
    this.ended.clear();
  }
}
