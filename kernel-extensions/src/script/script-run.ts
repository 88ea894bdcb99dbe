import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { inspect } from 'node:util';
import { mime } from '../display/bundle';
import { settleDisplays } from '../display/publish-queue';
import type { FileSink } from '../display/sinks/file-sink';
import { toBundle } from '../display/to-bundle';
import { CellCheckpoints, forgetKeptCells } from './cell-checkpoints';
import { PrintedText } from './printed-text';
import { Progress, progressFile } from './progress';
import { resultsFile } from './results';
import { writeRunPage, type ShownDisplay } from './run-page';
import { newRecord, readRecord, writeRecord, type ScriptRecord } from './script-record';
import type { SeededRandom } from './seeded-random';
import { StopSignals } from './stop-signals';
import { connectTslabDisplays } from './tslab-displays';
import { exitCodes, stoppedCode, type StopSignal } from './exit-codes';

/** What a script's cells are given: call it where a cell begins, and hand it the cell's last value. */
export interface ScriptCell {
  /** Begins the cell: waits for the displays of the one before, and lets timers and signals in. */
  (id: string): Promise<void>;
  /** Writes the cell's last value to `results.jsonl`, and its pictures to files. */
  result(value: unknown): void;
  /**
   * Runs a cell tagged `checkpoint` and keeps the variables that it returns; a resumed run of the same code
   * and parameters takes them from there, and prints again what the cell printed.
   */
  checkpoint<Values extends object | void>(
    id: string,
    body: () => Promise<Values>,
  ): Promise<Values>;
}

/** Where a run reads and writes, and how. */
export interface ScriptPlaces {
  file: string;
  notebookFile: string;
  directory: string;
  sink: FileSink;
  /** Goes on with what the folder holds. */
  resume: boolean;
  /** Progress as JSON. */
  json: boolean;
  /** What `Math.random` follows from, where the run was given a seed. */
  random: SeededRandom | null;
  parameters: Record<string, unknown>;
}

/** How a script ended: a signal's name when that stopped it. */
export type Outcome = 'done' | 'failed' | StopSignal;

/** One run of a script's cells. */
export class ScriptRun {
  private readonly stop: StopSignals;
  private readonly results: string;
  private readonly progress: Progress;
  private readonly printed: PrintedText;
  private readonly checkpoints: CellCheckpoints;
  private readonly record: ScriptRecord;
  private readonly shown: ShownDisplay[] = [];
  private readonly began = performance.now();
  private readonly secondsBefore: number;
  private current: string | undefined;
  private cellBegan = 0;
  private resultLines: string[] = [];
  private pending: Promise<void> = Promise.resolve();
  /** Whether it is decided how the run ends. */
  private isDecided = false;

  constructor(private readonly places: ScriptPlaces) {
    const { directory, file, notebookFile, parameters, resume } = places;
    this.results = path.join(directory, resultsFile);
    this.progress = new Progress(directory, places.json);
    this.printed = new PrintedText(directory);
    this.checkpoints = new CellCheckpoints(directory, readFileSync(file, 'utf8'), parameters);
    const before = resume ? readRecord(directory) : null;
    this.record = newRecord({ notebook: notebookFile, file, parameters }, before);
    this.secondsBefore = this.record.seconds;
    this.stop = new StopSignals(directory, (message) =>
      this.progress.tell({ event: 'message', message }),
    );
  }

  /**
   * Runs the cells; failures go to stderr with their cell and line, and so does a folder that cannot be written, which makes the
   * run one that failed. Never rejects: nobody would hear of it.
   *
   * @returns the exit code.
   */
  async execute(main: (cell: ScriptCell) => Promise<void>): Promise<number> {
    try {
      return await this.executeCells(main);
    } catch (error) {
      return this.endUnwritten(error as Error);
    }
  }

  private async executeCells(main: (cell: ScriptCell) => Promise<void>): Promise<number> {
    const { directory, resume, sink } = this.places;
    writeFileSync(this.results, '');
    if (!resume) {
      writeFileSync(path.join(directory, progressFile), '');
      forgetKeptCells(directory);
    }
    this.printed.begin();
    this.progress.tell({ event: 'start', directory, resumed: resume });
    writeRecord(directory, this.record);
    // Long loops of the sdk stop by the signal of the cell that runs them.
    (globalThis as Record<symbol, unknown>)[Symbol.for('flowbook.cell')] = {
      signal: this.stop.signal,
    };
    connectTslabDisplays(sink);
    const stray = this.firstStrayError();
    const cell = Object.assign((id: string) => this.begin(id), {
      result: (value: unknown) => this.result(value),
      checkpoint: <Values extends object | void>(id: string, body: () => Promise<Values>) =>
        this.checkpoint(id, body),
    });
    let outcome: Outcome = 'done';
    try {
      const cells = main(cell).then(() => this.endCell());
      await Promise.race([cells, this.stop.over, stray, this.waitInVain()]);
    } catch (error) {
      this.isDecided = true;
      if (this.stop.by === null) {
        await Promise.race([this.endCell('failed'), nothingLeft()]).catch(() => undefined);
        await this.report(error);
        outcome = 'failed';
      }
    }
    // A training that was stopped returns as one that was done.
    return this.end(this.stop.by ?? outcome);
  }

  /**
   * Rejects with the first error that no cell awaits; those after it, or after a cell has failed, are printed while the run
   * ends.
   */
  private firstStrayError(): Promise<never> {
    return new Promise((_resolve, reject) => {
      process.on('uncaughtException', (error) => {
        if (this.isDecided) process.stderr.write(`Uncaught ${inspect(error)}\n`);
        else reject(error);
        this.isDecided = true;
      });
    });
  }

  /** Rejects when nothing is left that could settle what the cells wait for: Node would end with 0 and no word. */
  private async waitInVain(): Promise<never> {
    await nothingLeft();
    throw new Error(
      `Cannot end cell ${this.current ?? ''} as what it waits for must settle: nothing that runs could do so any more`,
    );
  }

  private async begin(id: string): Promise<void> {
    await this.endCell();
    await new Promise((resolve) => setImmediate(resolve));
    this.stop.signal.throwIfAborted();
    connectTslabDisplays(this.places.sink);
    this.current = id;
    this.cellBegan = performance.now();
    this.resultLines = [];
    Object.assign(this.record, { cell: id, seconds: this.seconds });
    writeRecord(this.places.directory, this.record);
    this.progress.tell({ event: 'cell', cell: id, state: 'running' });
  }

  private async checkpoint<Values extends object | void>(
    id: string,
    body: () => Promise<Values>,
  ): Promise<Values> {
    const { sink, directory, resume, random } = this.places;
    await this.begin(id);
    const kept = resume ? this.checkpoints.read(id) : null;
    const isWhole =
      kept !== null &&
      (random === null) === (kept.random === null) &&
      kept.files.every((file) => existsSync(path.join(directory, file)));
    if (isWhole) {
      // The cells below draw on from where this one ended.
      if (random !== null) random.state = kept.random!;
      process.stdout.write(kept.printed);
      for (const line of kept.results) appendFileSync(this.results, line);
      sink.adopt(
        kept.files.map((file) => path.join(directory, file)),
        kept.displays,
      );
      this.noteDisplays(kept.files);
      this.leaveCell('restored');
      return kept.values as Values;
    }
    const [files, displays] = [sink.files.length, sink.displays];
    const values = await body();
    const results = () => [...this.resultLines];
    const printed = await this.settleCell();
    // A signal may have cut the cell short: what it hands on then is not what it would have been.
    this.stop.signal.throwIfAborted();
    this.checkpoints.write(id, {
      values: { ...values },
      random: random === null ? null : random.state,
      printed,
      results: results(),
      displays: sink.displays - displays,
      files: sink.files.slice(files).map((file) => path.relative(directory, file)),
    });
    this.leaveCell('done');
    return values;
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
      this.resultLines.push(`${JSON.stringify(line)}\n`);
      appendFileSync(this.results, `${JSON.stringify(line)}\n`);
    });
  }

  /** Ends the running cell, if one is. */
  private async endCell(state: 'done' | 'failed' = 'done'): Promise<void> {
    if (this.current === undefined) return void (await this.settleCell());
    await this.settleCell();
    this.leaveCell(state);
  }

  private async settleCell(): Promise<string> {
    await settleDisplays();
    await this.pending;
    const { sink, directory } = this.places;
    this.noteDisplays(sink.files.map((file) => path.relative(directory, file)));
    return this.printed.endOf(this.current);
  }

  private leaveCell(state: 'done' | 'restored' | 'failed'): void {
    const seconds = (performance.now() - this.cellBegan) / 1000;
    if (state === 'restored') this.printed.endOf(this.current);
    this.progress.tell({ event: 'cell', cell: this.current!, state, seconds });
    this.current = undefined;
  }

  /** Whatever is new among the files belongs to the running cell. */
  private noteDisplays(files: string[]): void {
    for (const file of files) {
      const stem = file.replace(/(\.vl)?\.\w+$/, '');
      if (this.shown.some((one) => one.stem === stem)) continue;
      this.shown.push({ cell: this.current, stem });
    }
  }

  private end(outcome: Outcome): number {
    const { directory } = this.places;
    this.printed.end(this.current);
    const isStopped = outcome === 'SIGINT' || outcome === 'SIGTERM';
    const exitCode = isStopped ? stoppedCode(outcome, directory) : exitCodes[outcome];
    const state = isStopped ? 'stopped' : outcome;
    const { seconds } = this;
    Object.assign(this.record, { state, seconds, exitCode, ended: new Date().toISOString() });
    writeRecord(directory, this.record);
    writeRunPage(directory, this.shown);
    if (exitCode === exitCodes.toResume) {
      const message = `Stopped with a checkpoint: go on with --resume ${this.progress.place}`;
      this.progress.tell({ event: 'message', message });
    }
    this.progress.tell({ event: 'end', state, exitCode, seconds });
    return exitCode;
  }

  /** Ends a run whose record, page or progress could not be written; the record says so where it can be. */
  private endUnwritten({ message }: Error): number {
    const { directory } = this.places;
    const exitCode = exitCodes.failed;
    const problem = `Cannot write what the run leaves to "${directory}": ${message}`;
    process.stderr.write(`${problem}\n`);
    const error = this.record.error ?? problem;
    const ended = new Date().toISOString();
    Object.assign(this.record, { state: 'failed', seconds: this.seconds, exitCode, ended, error });
    try {
      writeRecord(directory, this.record);
    } catch {
      // It may be what could not be written before.
    }
    return exitCode;
  }

  private get seconds(): number {
    return this.secondsBefore + (performance.now() - this.began) / 1000;
  }

  private async report(error: unknown): Promise<void> {
    const { cell } = this.record;
    let place = `Error in ${cell === null ? '' : `cell [${cell}] of `}${path.basename(this.places.notebookFile)}`;
    let problem = '';
    try {
      const { describeFailure } = await import('./describe-failure.js');
      place = describeFailure(error, cell ?? undefined, this.places);
    } catch (unfound) {
      problem = `Cannot say which line that is: ${(unfound as Error).message}\n`;
    }
    const isError = error instanceof Error;
    const message = isError ? `${error.name}: ${error.message}` : inspect(error);
    this.record.error = `${place}: ${message}`;
    process.stderr.write(`${place}: ${message}\n`);
    if (isError && error.stack) process.stderr.write(`${error.stack}\n`);
    process.stderr.write(problem);
  }
}

/** Resolves when no timer, file or process keeps Node going. */
const nothingLeft = () =>
  new Promise<void>((resolve) => void process.once('beforeExit', () => resolve()));
