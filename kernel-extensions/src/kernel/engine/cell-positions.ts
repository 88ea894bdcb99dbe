import { SourceMap } from 'node:module';

/** A place in the text of a cell; both numbers count from 1. */
export interface CellPosition {
  cell: number;
  line: number;
  column: number;
}

interface KnownCell {
  label: string;
  code: string;
  /** As JSON: read, a map has ten times the size, and most are never asked for. */
  maps: string[];
  /** Lines that stand before the cell's own in what was compiled. */
  linesBefore: number;
}

const FILE_NAME = 'flowbook-cell';
const POSITION = new RegExp(`${FILE_NAME}-(\\d+)\\.ts:(\\d+):(\\d+)`);
/** A frame: what comes before a file's path, which may hold spaces and parentheses; the path; its line and column. */
const FILE_FRAME = /^(\s+at (?:.*? \((?=.*\)(?: \{)?$)|async )?)(.+):(\d+):(\d+)(?=\)?(?: \{)?$)/;

/** Knows the source of every cell, and which line of it a line of running code came from. */
export class CellPositions {
  private readonly cells = new Map<number, KnownCell>();
  private readonly files = new Map<string, SourceMap>();

  /** Whether a text speaks of a cell's running code. */
  isNamedIn(text: string): boolean {
    return text.includes(`${FILE_NAME}-`);
  }

  /** Takes the map from a file's running code back to it. */
  addFile(path: string, map: SourceMap): void {
    this.files.set(path, map);
  }

  /** A line of a stack trace with the place in the source file in place of that in its running code. */
  inFile(stackLine: string): string {
    return stackLine.replace(FILE_FRAME, (whole, head: string, path: string, row, column) => {
      const entry = this.files.get(path)?.findEntry(Number(row) - 1, Number(column) - 1);
      if (!entry || !('originalLine' in entry)) return whole;
      return `${head}${path}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
    });
  }

  /** Remembers the text of a cell before it is compiled. */
  remember(cell: number, executionCount: number | null, code: string): void {
    const label = executionCount === null ? 'Cell [*]' : `Cell [${executionCount}]`;
    this.cells.set(cell, { label, code, maps: [], linesBefore: 0 });
  }

  /** Adds the maps (JSON) from running code back to the cell, last compilation first; returns the file name to run it under. */
  add(cell: number, maps: string[], linesBefore: number): string {
    const known = this.cells.get(cell);
    if (known) Object.assign(known, { maps, linesBefore });
    return `${FILE_NAME}-${cell}.ts`;
  }

  label(cell: number): string {
    return this.cells.get(cell)?.label ?? 'Cell [*]';
  }

  code(cell: number): string {
    return this.cells.get(cell)?.code ?? '';
  }

  /** The place in a cell that a line of a stack trace names, and the text that names it. */
  find(stackLine: string): (CellPosition & { text: string }) | null {
    const match = POSITION.exec(stackLine);
    if (!match) return null;
    const cell = Number(match[1]);
    let line = Number(match[2]) - 1;
    let column = Number(match[3]) - 1;
    const { maps = [], linesBefore = 0 } = this.cells.get(cell) ?? {};
    for (const map of maps) {
      const entry = new SourceMap(JSON.parse(map)).findEntry(line, column);
      if (!('originalLine' in entry)) continue;
      line = entry.originalLine;
      column = entry.originalColumn;
    }
    return { cell, line: Math.max(1, line + 1 - linesBefore), column: column + 1, text: match[0] };
  }
}
