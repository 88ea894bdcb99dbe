import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

/** One remembered cell. */
export interface HistoryEntry {
  session: number;
  line: number;
  input: string;
  output: string | null;
}

/** Sessions that are kept; the oldest ones go when a new one begins. */
const KEPT_SESSIONS = 1000;
const FILE_NAME = /^(\d+)\.jsonl$/;

type Line = { line: number; input: string } | { line: number; output: string };

/**
 * The history of all sessions, a file each: lines of JSON that are only ever added, so that kernels that run at the
 * same time need no lock and one that is killed loses nothing. Files are for their user alone.
 */
export class HistoryStore {
  private readonly earlier = new Map<number, HistoryEntry[]>();
  private own: { session: number; file: string } | null = null;

  constructor(private readonly folder: string) {}

  /** Numbers of the sessions on disk, oldest first. */
  sessions(): number[] {
    const names = readdirOrEmpty(this.folder).map((name) => FILE_NAME.exec(name)?.[1]);
    const numbers = names.filter((number) => number !== undefined).map(Number);
    return numbers.sort((a, b) => a - b);
  }

  /** Begins this kernel's own session; returns its number. */
  begin(): number {
    mkdirSync(this.folder, { recursive: true, mode: 0o700 });
    const known = this.sessions();
    for (const old of known.slice(0, Math.max(0, known.length + 1 - KEPT_SESSIONS))) {
      rmSync(this.fileOf(old), { force: true });
    }
    for (let session = (known.at(-1) ?? 0) + 1; ; session++) {
      try {
        writeFileSync(this.fileOf(session), '', { flag: 'wx', mode: 0o600 });
        this.own = { session, file: this.fileOf(session) };
        return session;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
    }
  }

  append(line: Line): void {
    if (this.own) appendFileSync(this.own.file, `${JSON.stringify(line)}\n`);
  }

  /** The cells of a session, in the order they were run; none when it is unknown. */
  read(session: number): HistoryEntry[] {
    let entries = this.earlier.get(session);
    if (!entries) {
      entries = parse(session, readOrEmpty(this.fileOf(session)));
      this.earlier.set(session, entries);
    }
    return entries;
  }

  private fileOf(session: number): string {
    return join(this.folder, `${String(session).padStart(6, '0')}.jsonl`);
  }
}

function parse(session: number, text: string): HistoryEntry[] {
  const entries: HistoryEntry[] = [];
  for (const row of text.split('\n')) {
    const line = parseOrNull(row);
    if (!line) continue;
    if ('input' in line)
      entries.push({ session, line: line.line, input: line.input, output: null });
    else {
      const entry = entries.filter((candidate) => candidate.line === line.line).at(-1);
      if (entry) entry.output = line.output;
    }
  }
  return entries;
}

/** Null for what is empty, was cut off when its kernel was killed, or is nothing that a kernel writes. */
function parseOrNull(row: string): Line | null {
  let value: unknown;
  try {
    value = JSON.parse(row);
  } catch {
    return null;
  }
  return isLine(value) ? value : null;
}

function isLine(value: unknown): value is Line {
  if (typeof value !== 'object' || value === null) return false;
  const { line, input, output } = value as Partial<Record<string, unknown>>;
  return Number.isSafeInteger(line) && typeof ('input' in value ? input : output) === 'string';
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function readdirOrEmpty(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
