import { appendFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { inspect } from 'node:util';
import { mime } from '../display/bundle';
import { settleDisplays } from '../display/publish-queue';
import type { FileSink } from '../display/sinks/file-sink';
import { toBundle } from '../display/to-bundle';
import { isTraining, type StopSignal } from './exit-codes';

/** What a script's cells are given: call it where a cell begins, and hand it the cell's last value. */
export interface ScriptCell {
  /** Begins the cell: waits for the displays of the one before, and lets timers and signals in. */
  (id: string): Promise<void>;
  /** Writes the cell's last value to `results.jsonl`, and its pictures to files. */
  result(value: unknown): void;
}

/** Where a run reads and writes. */
export interface ScriptPlaces {
  file: string;
  notebookFile: string;
  directory: string;
  sink: FileSink;
}

/** How a script ended: a signal's name when that stopped it. */
export type Outcome = 'done' | 'failed' | StopSignal;

/** Time that a stopped cell has to end by itself. A run that is being trained has as long as its step and its checkpoint take. */
const graceMs = 3000;

/** One run of a script's cells. */
export class ScriptRun {
  private readonly abort = new AbortController();
  private stoppedBy: StopSignal | null = null;
  private readonly results: string;
  private current: string | undefined;
  private pending: Promise<void> = Promise.resolve();

  constructor(private readonly places: ScriptPlaces) {
    this.results = path.join(places.directory, 'results.jsonl');
  }

  /** Runs the cells; failures go to stderr with their cell and line. */
  async execute(main: (cell: ScriptCell) => Promise<void>): Promise<Outcome> {
    writeFileSync(this.results, '');
    // Long loops of the sdk stop by the signal of the cell that runs them.
    (globalThis as Record<symbol, unknown>)[Symbol.for('flowbook.cell')] = {
      signal: this.abort.signal,
    };
    const interrupted = this.interruption();
    const stray = new Promise<never>((_resolve, reject) => {
      process.once('uncaughtException', reject);
    });
    const cell = Object.assign((id: string) => this.begin(id), {
      result: (value: unknown) => this.result(value),
    });
    try {
      const cells = main(cell).then(() => this.settle());
      const outcome = await Promise.race([cells, interrupted, stray]);
      // A training that was stopped returns as one that was done.
      return outcome ?? this.stoppedBy ?? 'done';
    } catch (error) {
      if (this.stoppedBy !== null) return this.stoppedBy;
      await this.settle().catch(() => undefined);
      await this.report(error);
      return 'failed';
    }
  }

  private async begin(id: string): Promise<void> {
    await this.settle();
    await new Promise((resolve) => setImmediate(resolve));
    this.abort.signal.throwIfAborted();
    this.current = id;
  }

  private result(value: unknown): void {
    if (value === undefined || value === null) return;
    const cell = this.current;
    const { sink, directory } = this.places;
    // Reads the value now: a later cell may change it, or dispose its tensors.
    const bundle = toBundle(value);
    this.pending = this.pending.then(async () => {
      const { data, metadata, name = `result-${cell}` } = await bundle;
      const before = sink.files.length;
      const richer = Object.keys(data).some((type) => type !== mime.plain);
      if (richer) sink.publish({ data, metadata, name }, { update: false });
      const files = sink.files.slice(before).map((file) => path.relative(directory, file));
      const line = { cell, text: data[mime.plain], ...(files.length > 0 ? { files } : {}) };
      appendFileSync(this.results, `${JSON.stringify(line)}\n`);
    });
  }

  private async settle(): Promise<void> {
    await settleDisplays();
    await this.pending;
  }

  /** Resolves when a signal has stopped the script and its cells did not end by themselves. */
  private interruption(): Promise<Outcome> {
    return new Promise((resolve) => {
      const stop = (by: StopSignal): void => {
        if (this.stoppedBy !== null) return resolve(by);
        this.stoppedBy = by;
        const what = by === 'SIGINT' ? 'Interrupted' : 'Stopped by SIGTERM';
        process.stderr.write(`${what}: the cell may finish its step. Again: stops now.\n`);
        this.abort.abort(new Error(`The script was stopped by ${by}`));
        const look = (): void => {
          if (isTraining(this.places.directory)) setTimeout(look, graceMs).unref();
          else resolve(by);
        };
        setTimeout(look, graceMs).unref();
      };
      process.on('SIGINT', stop);
      process.on('SIGTERM', stop);
    });
  }

  private async report(error: unknown): Promise<void> {
    const { describeFailure } = await import('./describe-failure.js');
    const place = describeFailure(error, this.current, this.places);
    const isError = error instanceof Error;
    const message = isError ? `${error.name}: ${error.message}` : inspect(error);
    process.stderr.write(`${place}: ${message}\n`);
    if (isError && error.stack) process.stderr.write(`${error.stack}\n`);
  }
}
