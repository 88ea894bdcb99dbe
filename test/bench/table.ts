import type { BenchRow } from './statistics';
import { verdictOf, type Target } from './targets';

/** A row with what it has to reach. */
export interface JudgedRow {
  row: BenchRow;
  target: Target;
}

const VERDICTS = { reached: 'yes', short: 'no', open: '' } as const;

const COLUMNS: [title: string, of: (judged: JudgedRow) => string][] = [
  ['row', ({ row }) => row.row],
  ['Flowbook', ({ row }) => time(row.flowbook_ms) ?? memory(row.flowbook_mb)],
  ['PyTorch', ({ row }) => time(row.eager_ms) ?? memory(row.eager_mb)],
  ['torch.compile', ({ row }) => time(row.compile_ms) ?? ''],
  ['floor', ({ row }) => time(row.floor_ms) ?? ''],
  ['ratio', ({ row }) => row.ratio?.toFixed(2) ?? ''],
  ['to reach', ({ target }) => target.ratio.toFixed(1)],
  ['reached', ({ row, target }) => VERDICTS[verdictOf(row, target)]],
  ['', ({ row }) => row.note ?? ''],
];

function time(ms: number | null): string | null {
  return ms === null ? null : `${ms < 10 ? ms.toFixed(2) : ms.toFixed(0)} ms`;
}

function memory(megabytes: number | null): string {
  return megabytes === null ? '' : `${megabytes.toFixed(0)} MB`;
}

/** The rows as a table of text; a ratio above 1 means that Flowbook takes less. */
export function formatTable(rows: readonly JudgedRow[]): string {
  return layOut([
    COLUMNS.map(([title]) => title),
    ...rows.map((row) => COLUMNS.map(([, of]) => of(row))),
  ]);
}

/** Lines of cells as columns: the first to the left, the others to the right. */
export function layOut(cells: readonly (readonly string[])[]): string {
  const widths = cells[0].map((_, at) => Math.max(...cells.map((line) => line[at].length)));
  const lines = cells.map((line) =>
    line
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at])))
      .join('  '),
  );
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}
