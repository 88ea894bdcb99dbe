import { existsSync, readdirSync } from 'node:fs';
import * as path from 'node:path';
import {
  readRunLog,
  readRunPictures,
  RUN_FILES,
  type LogContent,
  type LogLine,
} from '@flowbook/sdk';
import { runFoldersIn } from '../run-folder/run-folders';
import { readResults } from '../script/results';
import { readRecord } from '../script/script-record';
import { standingOf, type RunStanding } from './run-standing';

/** A run as a table's row: what it ran with, how it stands, what it gave. */
export interface RunSummary {
  directory: string;
  name: string;
  notebook: string;
  parameters: Record<string, unknown>;
  state: 'waiting' | RunStanding['state'];
  cell: string | null;
  /** Training steps done. */
  step: number | null;
  seconds: number;
  error: string | null;
  /** Numbers of the log's last line, and of the last expression. */
  metrics: Record<string, number>;
}

/** Fields of a log that are not what a run is compared by. */
const notMetrics = /(^|\/)step$|seconds|PerSecond|bytes/i;

/** Reads a run's folder, also while it runs. A folder without a run is one that waits. */
export function summarizeRun(directory: string): RunSummary {
  const record = readRecord(directory);
  const standing = standingOf(directory, record);
  const log = logOf(directory);
  const last = log.at(-1);
  const metrics = Object.fromEntries(
    Object.entries(last ?? {}).filter(
      ([name, value]) => typeof value === 'number' && !notMetrics.test(name),
    ),
  ) as Record<string, number>;
  return {
    directory,
    name: path.basename(directory),
    notebook: record ? path.basename(record.notebook) : '',
    parameters: record?.parameters ?? {},
    state: standing?.state ?? 'waiting',
    cell: record?.cell ?? null,
    step: last?.step ?? null,
    seconds: standing?.seconds ?? 0,
    error: standing?.error ?? null,
    metrics: { ...metrics, ...lastNumbers(directory) },
  };
}

/** The log of each training in a run's folder and in those below it that `runName` made, by its folder, the newest last. */
export function logsOf(directory: string): Map<string, LogContent> {
  return new Map(trainingFolders(directory).map((folder) => [folder, readRunLog(folder)] as const));
}

/** The steps of the newest training in a run's folder, or in one below it that `runName` made. */
export function logOf(directory: string): LogLine[] {
  const folder = trainingFolders(directory).at(-1);
  return folder === undefined ? [] : readRunLog(folder).lines;
}

/** The picture files that say most of a run: those of its last evaluation, else its last displays. */
export function picturesOf(directory: string, count = 4): string[] {
  const folder = trainingFolders(directory).at(-1);
  const kept = folder === undefined ? [] : readRunPictures(folder);
  const step = kept.at(-1)?.step;
  const evaluated = kept
    .filter((one) => one.step === step)
    .map(({ file }) => path.join(folder!, RUN_FILES.pictures, file));
  if (evaluated.length > 0) return evaluated.slice(0, count);
  if (!existsSync(directory)) return [];
  const shown = readdirSync(directory).filter((file) => /^\d+-.*\.(png|jpg|svg)$/.test(file));
  return shown
    .sort()
    .sort((one, other) => parseInt(one) - parseInt(other))
    .slice(-1)
    .map((file) => path.join(directory, file));
}

function trainingFolders(directory: string): string[] {
  return runFoldersIn(directory).filter((folder) => existsSync(path.join(folder, RUN_FILES.log)));
}

/** The numbers in the last expression of a run: itself, or the fields of a flat object. */
function lastNumbers(directory: string): Record<string, number> {
  const text = readResults(directory).at(-1)?.text;
  if (text === undefined) return {};
  if (text.trim() !== '' && Number.isFinite(Number(text))) return { result: Number(text) };
  if (!/^\{[^[\]{}]*\}$/.test(text.trim())) return {};
  const fields = [...text.matchAll(/(\w+): (-?[\d.]+(?:e[+-]?\d+)?)(?=[,\s}])/g)];
  return Object.fromEntries(fields.map(([, name, value]) => [name, Number(value)]));
}
