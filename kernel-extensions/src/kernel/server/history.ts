/** One remembered cell. */
interface HistoryEntry {
  session: number;
  line: number;
  input: string;
  output: string | null;
}

/** The fields of a history_request. */
export interface HistoryQuery {
  hist_access_type: 'range' | 'tail' | 'search';
  output?: boolean;
  session?: number;
  start?: number;
  stop?: number;
  n?: number;
  pattern?: string;
  unique?: boolean;
}

/** A row of a history_reply: with `output`, the last part is [input, output]. */
export type HistoryRow = [number, number, string | [string, string | null]];

const SESSION = 1;

/** The inputs of this session, and what their cells returned. */
export class History {
  private readonly entries: HistoryEntry[] = [];

  add(line: number, input: string): void {
    this.entries.push({ session: SESSION, line, input, output: null });
  }

  setOutput(line: number, output: string): void {
    const entry = this.entries.filter((candidate) => candidate.line === line).at(-1);
    if (entry) entry.output = output;
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

  private select(query: HistoryQuery): HistoryEntry[] {
    switch (query.hist_access_type) {
      case 'range': {
        // Session 0 is the current one, a negative number counts backwards from it.
        const session = query.session ?? 0;
        if (session !== 0 && session !== SESSION) return [];
        const stop = query.stop ?? Number.POSITIVE_INFINITY;
        return this.entries.filter(({ line }) => line >= (query.start ?? 0) && line < stop);
      }
      case 'tail':
        return lastOf(this.entries, query.n);
      case 'search': {
        const matches = globMatcher(query.pattern ?? '*');
        const found = this.entries.filter(({ input }) => matches(input));
        return lastOf(query.unique ? latestOfEach(found) : found, query.n);
      }
    }
  }
}

function lastOf<T>(entries: T[], n?: number): T[] {
  return n === undefined || n === null ? entries : entries.slice(Math.max(0, entries.length - n));
}

function latestOfEach(entries: HistoryEntry[]): HistoryEntry[] {
  const latest = new Map(entries.map((entry) => [entry.input, entry]));
  return entries.filter((entry) => latest.get(entry.input) === entry);
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
