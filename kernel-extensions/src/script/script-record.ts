import { existsSync, readFileSync } from 'node:fs';
import * as path from 'node:path';
import { isRunning } from '@flowbook/sdk';
import { ownProcess, type NamedProcess } from '@flowbook/sdk/process-identity';
import { showLife } from '@flowbook/sdk/sign-of-life';
import { z } from 'zod';
import { replaceFile } from '../run-folder/replace-file';

/** The file of a run's folder that says what ran, with which parameters, and how far it is. */
export const recordFile = 'script.json';

/** What `script.json` holds. The trainer's `run.json` beside it says how a training in it goes. */
export interface ScriptRecord {
  notebook: string;
  /** The script's file, or the notebook's where the kernel ran it. */
  file: string;
  /** Parameters by name; those that JSON has no number for as text. */
  parameters: Record<string, unknown>;
  state: 'running' | 'done' | 'failed' | 'stopped';
  /** Id of the cell that runs, or ran last. */
  cell: string | null;
  /** Times that the run was taken up again. */
  resumed: number;
  /** ISO 8601. */
  started: string;
  ended: string | null;
  seconds: number;
  exitCode: number | null;
  /** Where it failed and by what. */
  error: string | null;
  process: NamedProcess;
}

/** A record of a run that begins now, in this process. */
export function newRecord(
  of: Pick<ScriptRecord, 'notebook' | 'file' | 'parameters'>,
  before: ScriptRecord | null = null,
): ScriptRecord {
  return {
    ...of,
    state: 'running',
    cell: null,
    resumed: before ? before.resumed + 1 : 0,
    started: before?.started ?? new Date().toISOString(),
    ended: null,
    seconds: before?.seconds ?? 0,
    exitCode: null,
    error: null,
    process: ownProcess(),
  };
}

/** What shows by a record's file that its run, one of this process, goes on. */
const signs = new Map<string, NodeJS.Timeout>();

/** Writes the record in the place of what was there, in one step. While it says `running`, the file's time shows that this is so. */
export function writeRecord(directory: string, record: ScriptRecord): void {
  const file = path.resolve(directory, recordFile);
  const plain = (_key: string, value: unknown): unknown =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
  replaceFile(file, `${JSON.stringify(record, plain, 2)}\n`);
  clearInterval(signs.get(file));
  if (record.state === 'running') signs.set(file, showLife(file));
  else signs.delete(file);
}

const recordSchema: z.ZodType<ScriptRecord> = z.object({
  notebook: z.string(),
  file: z.string(),
  parameters: z.record(z.string(), z.unknown()),
  state: z.enum(['running', 'done', 'failed', 'stopped']),
  cell: z.string().nullable(),
  resumed: z.number().min(0),
  started: z.string(),
  ended: z.string().nullable(),
  seconds: z.number().min(0),
  exitCode: z.number().int().nullable(),
  error: z.string().nullable(),
  process: z.object({
    pid: z.number().int().min(1),
    host: z.string(),
    place: z.string().nullable().optional(),
    began: z.string().nullable().optional(),
  }),
});

/**
 * Reads the record of a run's folder; null when it has none, or one that is no record: a folder of something else is no run, and
 * who was asked to resume it says so. A run whose process is gone without a word is `lost`.
 */
export function readRecord(directory: string): (ScriptRecord & { lost: boolean }) | null {
  const file = path.join(directory, recordFile);
  if (!existsSync(file)) return null;
  let written: unknown;
  try {
    written = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return null;
  }
  const { data: record } = recordSchema.safeParse(written);
  if (record === undefined) return null;
  return { ...record, lost: record.state === 'running' && !isRunning(record) };
}
