import type { MimeBundle } from '../display/bundle';

/** MIME type -> content: text, base64, or an object for JSON types. */
export type OutputData = MimeBundle;

/** One output as nbformat 4 stores it. */
export type NotebookOutput =
  | { output_type: 'stream'; name: 'stdout' | 'stderr'; text: string }
  | { output_type: 'display_data'; data: OutputData; metadata: Record<string, unknown> }
  | {
      output_type: 'execute_result';
      data: OutputData;
      metadata: Record<string, unknown>;
      execution_count: number | null;
    }
  | { output_type: 'error'; ename: string; evalue: string; traceback: string[] };

/** One cell: the unit that the exporter, the runner and the file format share. */
export interface Cell {
  id: string;
  cell_type: 'code' | 'markdown' | 'raw';
  /** `tags` is where `parameters`, `no-export` and `export-only` stand. */
  metadata: Record<string, unknown>;
  /** The whole text, lines ended by \n. */
  source: string;
  /** Code cells only. */
  execution_count?: number | null;
  /** Code cells only. */
  outputs?: NotebookOutput[];
  /** Pictures pasted into markdown. */
  attachments?: Record<string, OutputData>;
}

/** A notebook in memory; `readNotebook` makes it and `writeNotebook` stores it as nbformat 4.5. */
export interface Notebook {
  metadata: Record<string, unknown>;
  cells: Cell[];
}

/**
 * The tags of a cell.
 *
 * @example
 * cellTags({ id: 'a', cell_type: 'code', metadata: { tags: ['no-export'] }, source: '' }); // ['no-export']
 */
export function cellTags(cell: Cell): string[] {
  const { tags } = cell.metadata;
  return Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : [];
}

/**
 * How messages name a cell: by its place, as a reader counts, and by its id.
 *
 * @example
 * const cell: Cell = { id: 'a', cell_type: 'code', metadata: {}, source: '' };
 * cellName({ metadata: {}, cells: [cell] }, cell); // 'cell 1 [a]'
 */
export function cellName(notebook: Notebook, cell: Cell): string {
  return `cell ${notebook.cells.indexOf(cell) + 1} [${cell.id}]`;
}

/**
 * Whether the cell runs in the notebook (`flowbook run`).
 *
 * @example
 * runsInNotebook({ id: 'a', cell_type: 'code', metadata: { tags: ['export-only'] }, source: '' }); // false
 */
export function runsInNotebook(cell: Cell): boolean {
  return cell.cell_type === 'code' && !cellTags(cell).includes('export-only');
}

/**
 * Whether the cell's code belongs to an exported script; raw cells do when tagged `export-only`.
 *
 * @example
 * runsInScript({ id: 'a', cell_type: 'raw', metadata: { tags: ['export-only'] }, source: '' }); // true
 */
export function runsInScript(cell: Cell): boolean {
  const tags = cellTags(cell);
  if (tags.includes('no-export')) return false;
  return cell.cell_type === 'code' || (cell.cell_type === 'raw' && tags.includes('export-only'));
}
