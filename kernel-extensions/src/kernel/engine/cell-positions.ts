import type { SourceMap } from 'node:module';

/** A place in the text of a cell; both numbers count from 1. */
export interface CellPosition {
  cell: number;
  line: number;
  column: number;
}

interface KnownCell {
  label: string;
  code: string;
  maps: (SourceMap | null)[];
}

const FILE_NAME = 'flowbook-cell';
const POSITION = new RegExp(`${FILE_NAME}-(\\d+)\\.ts:(\\d+):(\\d+)`);

/** tslab puts one line (`export {};`) before the code of a cell. */
const LINES_BEFORE = 1;

/** Knows the source of every cell, and which line of it a line of running code came from. */
export class CellPositions {
  private readonly cells = new Map<number, KnownCell>();

  /** Remembers the text of a cell before it is compiled. */
  remember(cell: number, executionCount: number | null, code: string): void {
    const label = executionCount === null ? 'Cell [*]' : `Cell [${executionCount}]`;
    this.cells.set(cell, { label, code, maps: [] });
  }

  /** Adds the maps from running code back to the cell, last compilation first; returns the file name to run it under. */
  add(cell: number, maps: (SourceMap | null)[]): string {
    const known = this.cells.get(cell);
    if (known) known.maps = maps;
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
    for (const map of this.cells.get(cell)?.maps ?? []) {
      const entry = map?.findEntry(line, column);
      if (!entry || !('originalLine' in entry)) continue;
      line = entry.originalLine;
      column = entry.originalColumn;
    }
    return { cell, line: Math.max(1, line + 1 - LINES_BEFORE), column: column + 1, text: match[0] };
  }
}
