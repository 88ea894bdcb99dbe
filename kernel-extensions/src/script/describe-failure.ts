import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { alignLines } from './align-code';
import { cellName } from '../notebook/notebook';
import { readNotebook } from '../notebook/notebook-file';
import { findSections, type ScriptSection } from './script-sections';

/** A place in the script, 1-based as stacks have it. */
interface Frame {
  line: number;
  column: number;
}

/**
 * Says where a script failed in the notebook's terms: `Error in cell 3 [loss], line 2 of
 * 01-flow-grpo.ipynb (recipe.ts:41)`. The notebook's line is found by laying the cell's code beside
 * the script's; without the notebook, or when both differ too much there, the script's line is all.
 *
 * @param cellId the cell that was running.
 */
export function describeFailure(
  error: unknown,
  cellId: string | undefined,
  { file, notebookFile }: { file: string; notebookFile: string },
): string {
  const frames = framesIn(error, file);
  const text = readFileSync(file, 'utf8');
  const script = ts.createSourceFile(file, text, ts.ScriptTarget.ESNext, true);
  const sections = findSections(script);
  const sectionAt = ({ line }: Frame): ScriptSection | undefined =>
    sections.find(({ startLine, endLine }) => line - 1 >= startLine && line - 1 < endLine);
  // The running cell's own line says more than that of a function from an earlier cell.
  const own = frames.find((frame) => sectionAt(frame)?.id === cellId);
  const frame = own ?? (cellId === undefined ? frames.find(sectionAt) : undefined);
  const id = (frame && sectionAt(frame)?.id) ?? cellId;
  const script_ = frame ? ` (${path.basename(file)}:${frame.line})` : '';
  if (id === undefined)
    return `Error in ${path.basename(file)}${frames[0] ? `:${frames[0].line}` : ''}`;

  const cell = notebookCell(notebookFile, id);
  const section = sections.find((one) => one.id === id);
  const line = frame && cell && section && alignLines(cell.source, script, section, frame);
  const place = `${cell?.name ?? `cell [${id}]`}${line ? `, line ${line}` : ''}`;
  return `Error in ${place} of ${path.basename(notebookFile)}${script_}`;
}

function framesIn(error: unknown, file: string): Frame[] {
  if (!(error instanceof Error) || !error.stack) return [];
  const frames: Frame[] = [];
  for (const match of error.stack.matchAll(
    /(?:\(|at )(?:async )?((?:file:\/\/)?[^()\s][^()]*?)(?:\?[^:]*)?:(\d+):(\d+)\)?$/gm,
  )) {
    const [, where, line, column] = match;
    const place = where.startsWith('file://') ? fileURLToPath(where) : where;
    if (path.resolve(place) === file) frames.push({ line: Number(line), column: Number(column) });
  }
  return frames;
}

function notebookCell(
  notebookFile: string,
  id: string,
): { source: string; name: string } | undefined {
  try {
    const notebook = readNotebook(notebookFile);
    const cell = notebook.cells.find((one) => one.id === id);
    return cell && { source: cell.source, name: cellName(notebook, cell) };
  } catch {
    return undefined;
  }
}
