import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Bytes that one start of a process reads, in some 50 ms. What a larger store holds is read in turn. */
const MOST_READ = 24 * 2 ** 20;

/** A record of files' sums. */
interface Sums {
  /** As it lies in its file; null where there is none. */
  text: string | null;
  /** What files held when they were first seen; those read last stand last. */
  byName: Map<string, unknown>;
}

function readRecord(path: string): Sums {
  try {
    const text = readFileSync(path, 'utf8');
    return { text, byName: new Map(Object.entries(JSON.parse(text) as object)) };
  } catch {
    // There is none yet, or it is no record: what is there now is first seen.
    return { text: null, byName: new Map() };
  }
}

function sumOf(path: string): { sum: string; size: number } | null {
  try {
    const bytes = readFileSync(path);
    return { sum: createHash('sha256').update(bytes).digest('hex'), size: bytes.length };
  } catch {
    // Another process has removed it.
    return null;
  }
}

/**
 * Compares files of compiled functions with what they held when they were first seen: new ones, then those that were not read
 * for longest.
 *
 * @param record Where that is kept.
 * @param onlyNew Look at new ones alone.
 * @param mostRead Bytes after which no further file is read.
 * @returns Names of files that hold something else now; they are forgotten.
 */
export function findChanged(
  folder: string,
  record: string,
  { onlyNew = false, mostRead = MOST_READ } = {},
): string[] {
  const names = new Set(readdirSync(folder).filter((name) => name.endsWith('.pb')));
  const before = readRecord(record);
  const known = new Map([...before.byName].filter(([name]) => names.has(name)));
  const unknown = [...names].filter((name) => !known.has(name));
  const unread = onlyNew ? unknown : [...unknown, ...known.keys()];
  const changed: string[] = [];
  let read = 0;
  for (const name of unread) {
    if (read >= mostRead) break;
    const sum = known.get(name);
    const found = sumOf(join(folder, name));
    known.delete(name);
    if (found === null) continue;
    read += found.size;
    if (sum === undefined || sum === found.sum) known.set(name, found.sum);
    else changed.push(name);
  }
  const text = JSON.stringify(Object.fromEntries(known));
  if (text !== before.text) {
    const temporary = `${record}.${randomBytes(4).toString('hex')}.partial`;
    writeFileSync(temporary, text, { mode: 0o600 });
    renameSync(temporary, record);
  }
  return changed;
}
