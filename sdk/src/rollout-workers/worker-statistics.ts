import type { WorkerReport, WorkersReport } from '../training/rollout-workers';

/** Counts what each worker does. */
export class WorkerStatistics {
  /** Names of workers that are there. */
  readonly present = new Set<string>();
  requeued = 0;
  duplicates = 0;
  #counts = new Map<string, WorkerReport>();

  join(worker: string): void {
    this.present.add(worker);
  }

  leave(worker: string): void {
    this.present.delete(worker);
  }

  /** Counts a part that was accepted. */
  count(
    worker: string,
    { busySeconds, bytesIn, bytesOut }: Omit<WorkerReport, 'worker' | 'parts'>,
  ): void {
    const before = this.#counts.get(worker) ?? nothing(worker);
    this.#counts.set(worker, {
      worker,
      parts: before.parts + 1,
      busySeconds: before.busySeconds + busySeconds,
      bytesIn: before.bytesIn + bytesIn,
      bytesOut: before.bytesOut + bytesOut,
    });
  }

  /** What was counted since the last time; workers that are there and had nothing to do count 0. */
  take(): WorkersReport {
    const names = [...new Set([...this.present, ...this.#counts.keys()])].sort();
    const workers = names.map((name) => this.#counts.get(name) ?? nothing(name));
    const report = { workers, requeued: this.requeued, duplicates: this.duplicates };
    this.#counts = new Map();
    this.requeued = 0;
    this.duplicates = 0;
    return report;
  }
}

const nothing = (worker: string): WorkerReport => ({
  worker,
  parts: 0,
  busySeconds: 0,
  bytesIn: 0,
  bytesOut: 0,
});
