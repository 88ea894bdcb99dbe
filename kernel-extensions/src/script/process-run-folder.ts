import { appendFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { printedFile } from './printed-text';
import { keepEvent, progressFile } from './progress';
import { writeRunPage } from './run-page';
import { newRecord, readRecord, writeRecord, type ScriptRecord } from './script-record';

/** Writes for a program without cells what a script's run leaves: record, progress, what it printed, page. */
export class ProcessRunFolder {
  private readonly record: ScriptRecord;
  private readonly began = performance.now();
  private readonly secondsBefore: number;
  private readonly decoder = new TextDecoder();

  /** @param resumes Whether it goes on with a run that the folder has. */
  constructor(
    private readonly directory: string,
    { file, parameters }: Pick<ScriptRecord, 'file' | 'parameters'>,
    resumes: boolean,
  ) {
    const before = resumes ? readRecord(directory) : null;
    this.record = newRecord({ notebook: file, file, parameters }, before);
    this.secondsBefore = this.record.seconds;
    writeFileSync(path.join(directory, printedFile), '');
    if (before === null) writeFileSync(path.join(directory, progressFile), '');
    keepEvent(directory, { event: 'start', directory, resumed: before !== null });
    writeRecord(directory, this.record);
  }

  prints(chunk: Buffer): void {
    const text = this.decoder.decode(chunk, { stream: true });
    const file = path.join(this.directory, printedFile);
    if (text !== '') appendFileSync(file, `${JSON.stringify({ cell: null, text })}\n`);
  }

  end(outcome: Pick<ScriptRecord, 'state' | 'exitCode' | 'error'> & { exitCode: number }): void {
    const seconds = this.secondsBefore + (performance.now() - this.began) / 1000;
    Object.assign(this.record, outcome, { seconds, ended: new Date().toISOString() });
    writeRecord(this.directory, this.record);
    writeRunPage(this.directory, []);
    const { state, exitCode } = outcome;
    keepEvent(this.directory, { event: 'end', state, exitCode, seconds });
  }
}
