import { appendFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { mime } from '../display/bundle';
import { FileSink } from '../display/sinks/file-sink';
import type { Cell, NotebookOutput } from '../notebook/notebook';
import { forgetKeptCells } from './cell-checkpoints';
import { exitCodes } from './exit-codes';
import { printedFile } from './printed-text';
import { keepEvent, progressFile } from './progress';
import { resultsFile } from './results';
import { writeRunPage, type ShownDisplay } from './run-page';
import { newRecord, readRecord, writeRecord, type ScriptRecord } from './script-record';

/** Writes beside a notebook that the kernel runs what a script's run leaves: record, progress, texts, displays, page. */
export class KernelRunFolder {
  private readonly record: ScriptRecord;
  private readonly began = performance.now();
  private readonly secondsBefore: number;

  /** @param resumes Whether it goes on with a run that the folder has. */
  constructor(
    private readonly directory: string,
    of: Pick<ScriptRecord, 'notebook' | 'file' | 'parameters'>,
    resumes: boolean,
  ) {
    const before = resumes ? readRecord(directory) : null;
    this.record = newRecord(of, before);
    this.secondsBefore = this.record.seconds;
    this.write(printedFile, '');
    this.write(resultsFile, '');
    if (before === null) {
      this.write(progressFile, '');
      forgetKeptCells(directory);
    }
    keepEvent(directory, { event: 'start', directory, resumed: before !== null });
    writeRecord(directory, this.record);
  }

  cellBegins({ id }: Cell): void {
    Object.assign(this.record, { cell: id, seconds: this.seconds });
    writeRecord(this.directory, this.record);
    keepEvent(this.directory, { event: 'cell', cell: id, state: 'running' });
  }

  cellEnds({ id, outputs = [] }: Cell, seconds: number): void {
    this.keepPrinted({ id, outputs });
    const hasFailed = outputs.some(({ output_type }) => output_type === 'error');
    const state = hasFailed ? 'failed' : 'done';
    keepEvent(this.directory, { event: 'cell', cell: id, state, seconds });
  }

  /**
   * Ends the run. Displays are written now, and what was printed anew: a later cell may have updated an earlier one's,
   * and callbacks print after their cell has ended.
   */
  end(
    cells: readonly Cell[],
    outcome: Pick<ScriptRecord, 'state' | 'exitCode' | 'error'> & { exitCode: number },
  ): void {
    const { seconds } = this;
    Object.assign(this.record, outcome, { seconds, ended: new Date().toISOString() });
    writeRecord(this.directory, this.record);
    this.write(printedFile, '');
    for (const cell of cells) this.keepPrinted(cell);
    writeRunPage(this.directory, this.keepOutputs(cells));
    const { state, exitCode } = outcome;
    keepEvent(this.directory, { event: 'end', state, exitCode, seconds });
  }

  /** Ends a run that failed as its folder cannot be written any more: its record says so where it still can. */
  endUnwritten(error: string): void {
    const { seconds, record } = this;
    const ended = new Date().toISOString();
    const exitCode = exitCodes.failed;
    Object.assign(record, {
      state: 'failed',
      exitCode,
      seconds,
      ended,
      error: record.error ?? error,
    });
    try {
      writeRecord(this.directory, record);
    } catch {
      // It may be what could not be written before.
    }
  }

  private keepPrinted({ id, outputs = [] }: Pick<Cell, 'id' | 'outputs'>): void {
    const text = outputs.map((one) => (isStdout(one) ? one.text : '')).join('');
    if (text !== '') this.append(printedFile, { cell: id, text });
  }

  private keepOutputs(cells: readonly Cell[]): ShownDisplay[] {
    const sink = new FileSink(this.directory);
    return cells.flatMap(({ id, outputs = [] }) => {
      const shown: ShownDisplay[] = [];
      for (const output of outputs) {
        if (output.output_type !== 'display_data' && output.output_type !== 'execute_result')
          continue;
        const { data, metadata } = output;
        const isResult = output.output_type === 'execute_result';
        const before = sink.files.length;
        if (!isResult || Object.keys(data).some((type) => type !== mime.plain)) {
          const name = isResult ? `result-${id}` : undefined;
          sink.publish({ data, metadata, name }, { update: false });
        }
        const files = sink.files.slice(before).map((file) => path.relative(this.directory, file));
        if (files.length > 0) shown.push({ cell: id, stem: files[0].replace(/(\.vl)?\.\w+$/, '') });
        const text = data[mime.plain];
        const more = files.length > 0 ? { files } : {};
        if (isResult) this.append(resultsFile, { cell: id, text, ...more });
      }
      return shown;
    });
  }

  private get seconds(): number {
    return this.secondsBefore + (performance.now() - this.began) / 1000;
  }

  private write(file: string, text: string): void {
    writeFileSync(path.join(this.directory, file), text);
  }

  private append(file: string, line: object): void {
    appendFileSync(path.join(this.directory, file), `${JSON.stringify(line)}\n`);
  }
}

function isStdout(output: NotebookOutput): output is NotebookOutput & { text: string } {
  return output.output_type === 'stream' && output.name === 'stdout';
}
