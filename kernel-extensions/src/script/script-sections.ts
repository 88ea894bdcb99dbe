import ts from 'typescript';
import { matchesOutside } from '../notebook/literals';
import { type Cell, cellTags } from '../notebook/notebook';

/** The part of a script that one cell became. */
export interface ScriptSection {
  id: string;
  /** 0-based, of the marker's line. */
  startLine: number;
  /** 0-based, of the next marker's line or one past the last. */
  endLine: number;
}

/** What ends a line, and with it a comment, in TypeScript. */
const LINE_ENDS = /\r\n|[\n\r\u2028\u2029]/g;

/** How lines of a script's own begin in its comments: a cell's marker, and the one that says whose flags follow. */
const OWN_LINE = '\\\\*(?:%%|The flags of cell \\[)';
const LOOKS_OWN = new RegExp(`^(?=${OWN_LINE})`);
const KEPT_APART = new RegExp(`^\\\\(?=${OWN_LINE})`, 'gm');

/** A text of somebody else's as comments, so that none of it is code, or a line of the script's own: that gets a backslash. */
export function asComments(text: string): string[] {
  return text.split(LINE_ENDS).map((line) => `// ${line.replace(LOOKS_OWN, '\\')}`.trimEnd());
}

/** A text out of comments without the backslashes of `asComments`. */
export function withoutBackslashes(text: string): string {
  return text.replace(KEPT_APART, '');
}

/** A text as it stands within a line of comment. */
export function inOneLine(text: string): string {
  return text.replaceAll(LINE_ENDS, ' ');
}

/** The line above a cell in a script: `// %% [id]`, then the cell's type unless code, then its tags. */
export function marker(cell: Cell): string {
  const type = cell.cell_type === 'code' ? [] : [cell.cell_type];
  return inOneLine(['// %%', `[${cell.id}]`, ...type, ...cellTags(cell)].join(' '));
}

/** The sections of a script, by its markers. */
export function findSections(file: ts.SourceFile): ScriptSection[] {
  const markers = matchesOutside(file, /^[ \t]*\/\/ %% \[([A-Za-z0-9_-]+)\]/gm);
  const lineOf = (at: number): number => file.getLineAndCharacterOfPosition(at).line;
  const starts = markers.map((match) => ({ id: match[1], startLine: lineOf(match.index) }));
  const lastLine = lineOf(file.end) + 1;
  return starts.map((start, index) => ({
    ...start,
    endLine: starts[index + 1]?.startLine ?? lastLine,
  }));
}
