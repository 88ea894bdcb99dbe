import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { appendJsonLine } from '../io/append-json-line';
import { readJsonLines } from '../io/json-lines';
import { writeAtomically } from '../io/write-atomically';

/** The lines of a run of pre-training, in `log.jsonl` as they come. */
export class PretrainingLog {
  readonly #path: string;

  /** @param done The step that is gone on from; later lines of an earlier try are left out. */
  constructor(folder: string, done: number) {
    this.#path = join(folder, 'log.jsonl');
    if (!existsSync(this.#path)) return;
    const kept = readJsonLines(this.#path).filter(
      (line) => (line as { step: number }).step <= done,
    );
    const text = kept.map((line) => `${JSON.stringify(line)}\n`).join('');
    writeAtomically(this.#path, (append) => append(Buffer.from(text)));
  }

  write(line: Record<string, number>): void {
    appendJsonLine(this.#path, line);
  }
}
