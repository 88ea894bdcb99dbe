import type { HistoryEntry, HistoryStore } from './history-store';

/** The fields of a history_request. */
export interface HistoryQuery {
  hist_access_type: 'range' | 'tail' | 'search';
  output?: boolean;
  session?: number;
  start?: number;
  stop?: number;
  n?: number | null;
  pattern?: string;
  unique?: boolean;
}

/** A row of a history_reply: with `output`, the last part is [input, output]. */
export type HistoryRow = [number, number, string | [string, string | null]];

/** The number of the session where nothing is kept on disk. */
const ONLY_SESSION = 1;

/** What was run and what it returned: in this session, and in earlier ones where a store keeps them. */
export class History {
  private readonly entries: HistoryEntry[] = [];
  private number: number | null = null;

  constructor(private store: HistoryStore | null = null) {}

  add(line: number, input: string): void {
    this.keep({ line, input });
    this.entries.push({ session: this.session, line, input, output: null });
  }

  setOutput(line: number, output: string): void {
    const entry = this.entries.filter((candidate) => candidate.line === line).at(-1);
    if (!entry) return;
    entry.output = output;
    this.keep({ line, output });
  }

  /** Rows in the order they were run. */
  query(query: HistoryQuery): HistoryRow[] {
    const rows = this.select(query);
    return rows.map(({ session, line, input, output }) => [
      session,
      line,
      query.output ? [input, output] : input,
    ]);
  }

  private get session(): number {
    return this.number ?? ONLY_SESSION;
  }

  /** A folder that cannot be written to costs the history of later sessions, not the cell. */
  private keep(line: Parameters<HistoryStore['append']>[0]): void {
    if (!this.store) return;
    try {
      this.number ??= this.store.begin();
      this.store.append(line);
    } catch (error) {
      this.store = null;
      process.stderr.write(`The history is not kept: ${(error as Error).message}\n`);
    }
  }

  private select(query: HistoryQuery): HistoryEntry[] {
    switch (query.hist_access_type) {
      case 'range': {
        const stop = query.stop ?? Number.POSITIVE_INFINITY;
        const entries = this.entriesOf(query.session ?? 0);
        return entries.filter(({ line }) => line >= (query.start ?? 0) && line < stop);
      }
      case 'tail':
        return this.newest(query.n, () => true);
      case 'search': {
        const matches = globMatcher(query.pattern ?? '*');
        const seen = new Set<string>();
        return this.newest(query.n, ({ input }) => {
          if (!matches(input) || (query.unique && seen.has(input))) return false;
          seen.add(input);
          return true;
        });
      }
    }
  }

  /** Session 0 is the current one, a negative number counts backwards from it. */
  private entriesOf(session: number): HistoryEntry[] {
    if (session === 0 || session === this.number) return this.entries;
    const earlier = this.earlierSessions();
    if (session < 0) session = earlier.at(session) ?? 0;
    if (!this.store) return session === ONLY_SESSION ? this.entries : [];
    return earlier.includes(session) ? this.store.read(session) : [];
  }

  private earlierSessions(): number[] {
    const sessions = this.store?.sessions() ?? [];
    return sessions.filter((session) => session !== this.number);
  }

  /** The last `n` entries that are wanted, asked from the newest one back; sessions are read as far as needed. */
  private newest(
    n: number | null | undefined,
    isWanted: (entry: HistoryEntry) => boolean,
  ): HistoryEntry[] {
    const found: HistoryEntry[] = [];
    const limit = n ?? Number.POSITIVE_INFINITY;
    const take = (entries: HistoryEntry[]) => {
      for (let i = entries.length - 1; i >= 0 && found.length < limit; i--) {
        if (isWanted(entries[i])) found.push(entries[i]);
      }
    };
    take(this.entries);
    for (const session of this.earlierSessions().reverse()) {
      if (found.length >= limit) break;
      take(this.entriesOf(session));
    }
    return found.reverse();
  }
}

/** Matches a whole text against a shell pattern: `*` any text, `?` any character. */
function globMatcher(pattern: string): (text: string) => boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '[\\s\\S]*')
    .replaceAll('?', '[\\s\\S]');
  const expression = new RegExp(`^${source}$`);
  return (text) => expression.test(text);
}
