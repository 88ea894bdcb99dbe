import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import * as path from 'node:path';
import { inspect, types } from 'node:util';
import { deserialize, serialize } from 'node:v8';
import { z } from 'zod';
import { replaceFile } from '../run-folder/replace-file';

/** The folder of a run's folder that holds what cells tagged `checkpoint` hand on. */
const folderName = 'cells';

/** What a finished cell left. */
export interface KeptCell {
  /** Variables by name. */
  values: Record<string, unknown>;
  /** What it wrote to stdout. */
  printed: string;
  /** Its lines of results.jsonl. */
  results: string[];
  /** Displays that it made, as the sink counts them, and their files. */
  displays: number;
  files: string[];
  /** Where the generator of `--seed` stood; null without that flag. */
  random: number | null;
}

const texts = z.array(z.string());

const fileSchema = z.object({
  key: z.string(),
  kept: z.object({
    // As it was kept: a copy would lose what values share.
    values: z.custom<Record<string, unknown>>((one) => typeof one === 'object' && one !== null),
    printed: z.string(),
    results: texts,
    displays: z.number().int().min(0),
    files: texts,
    // Runs of earlier versions kept none: with a seed the cell runs again.
    random: z.number().int().nullable().default(null),
  }),
});

/** What cells tagged `checkpoint` declared, kept so that a resumed run need not compute it again. */
export class CellCheckpoints {
  /**
   * @param directory the run's.
   * @param script the script's text: a checkpoint holds for the text up to the end of its cell, and for the run's parameters.
   */
  constructor(
    private readonly directory: string,
    private readonly script: string,
    private readonly parameters: unknown,
  ) {}

  /**
   * What the cell left in a run of the same code and parameters; null when there is none.
   *
   * @throws When its file is damaged; the message names it.
   */
  read(cell: string): KeptCell | null {
    const file = this.fileOf(cell);
    if (!existsSync(file)) return null;
    const { key, kept } = contentOf(cell, file);
    return key === this.keyOf(cell) ? kept : null;
  }

  /** @throws when a value is not plain data: it would not be the same when read again. */
  write(cell: string, kept: KeptCell): void {
    for (const [name, value] of Object.entries(kept.values)) requirePlain(cell, name, value);
    mkdirSync(path.join(this.directory, folderName), { recursive: true });
    replaceFile(this.fileOf(cell), serialize({ key: this.keyOf(cell), kept }));
  }

  private fileOf(cell: string): string {
    return path.join(this.directory, folderName, `${cell}.bin`);
  }

  private keyOf(cell: string): string {
    const marker = this.script.search(new RegExp(`^[ \\t]*// %% \\[${cell}\\]`, 'm'));
    const next = this.script.slice(marker + 1).search(/^[ \t]*\/\/ %% \[/m);
    const text = next < 0 ? this.script : this.script.slice(0, marker + 1 + next);
    const parameters = inspect(this.parameters, { depth: Infinity, maxArrayLength: Infinity });
    return createHash('sha256').update(text).update(parameters).digest('hex');
  }
}

function contentOf(cell: string, file: string): z.infer<typeof fileSchema> {
  try {
    return fileSchema.parse(deserialize(readFileSync(file)));
  } catch (error) {
    throw new Error(
      `Cannot restore cell [${cell}] as "${file}" must hold what a run has kept of it: it is damaged; remove it to run the cell again`,
      { cause: error },
    );
  }
}

/** Whether a run has kept what a cell declared. */
export function hasKeptCell(directory: string): boolean {
  return keptFiles(directory).length > 0;
}

/**
 * Removes what runs before have kept, where one begins anew: it is not of that one, nor of those that resume it. Whatever else is
 * in the folder stays: `--out` may be one that holds `cells/` of the user's.
 */
export function forgetKeptCells(directory: string): void {
  for (const file of keptFiles(directory)) {
    try {
      contentOf(path.basename(file, '.bin'), file);
    } catch {
      continue; // no run's, or damaged: a run that resumes says so
    }
    rmSync(file);
  }
}

function keptFiles(directory: string): string[] {
  const folder = path.join(directory, folderName);
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => name.endsWith('.bin'));
  return names.map((name) => path.join(folder, name));
}

function requirePlain(cell: string, name: string, value: unknown): void {
  const seen = new Set<unknown>();
  const visit = (one: unknown): void => {
    if (typeof one === 'function' || typeof one === 'symbol') throw notPlain(cell, name, one);
    if (typeof one !== 'object' || one === null || seen.has(one)) return;
    seen.add(one);
    if (types.isDate(one) || types.isRegExp(one) || ArrayBuffer.isView(one)) return;
    if (types.isAnyArrayBuffer(one)) return;
    if (types.isMap(one)) return [...one].flat().forEach(visit);
    if (types.isSet(one)) return [...one].forEach(visit);
    const prototype: unknown = Object.getPrototypeOf(one);
    if (!Array.isArray(one) && prototype !== Object.prototype && prototype !== null) {
      throw notPlain(cell, name, one);
    }
    Object.values(one).forEach(visit);
  };
  visit(value);
}

function notPlain(cell: string, name: string, value: unknown): Error {
  const what = typeof value === 'object' ? value?.constructor?.name : typeof value;
  return new Error(
    `Cannot keep "${name}" of cell [${cell}], tagged checkpoint, as it must be plain data ` +
      `(numbers, texts, lists, objects, typed arrays): current value is a ${what}`,
  );
}
