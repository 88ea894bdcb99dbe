import type { BenchRow } from './statistics';

const COLUMNS = [
  ['row', (row: BenchRow) => row.row],
  ['Flowbook', (row: BenchRow) => time(row.flowbook_ms) ?? memory(row.flowbook_mb)],
  ['PyTorch', (row: BenchRow) => time(row.eager_ms) ?? memory(row.eager_mb)],
  ['torch.compile', (row: BenchRow) => time(row.compile_ms) ?? ''],
  ['floor', (row: BenchRow) => time(row.floor_ms) ?? ''],
  ['ratio', (row: BenchRow) => row.ratio?.toFixed(2) ?? ''],
  ['', (row: BenchRow) => row.note ?? ''],
] as const;

function time(ms: number | null): string | null {
  return ms === null ? null : `${ms < 10 ? ms.toFixed(2) : ms.toFixed(0)} ms`;
}

function memory(megabytes: number | null): string {
  return megabytes === null ? '' : `${megabytes.toFixed(0)} MB`;
}

/** The rows as a table of text; a ratio above 1 means that Flowbook takes less. */
export function formatTable(rows: readonly BenchRow[]): string {
  const cells = [
    COLUMNS.map(([title]) => title),
    ...rows.map((row) => COLUMNS.map(([, of]) => of(row))),
  ];
  const widths = COLUMNS.map((_, at) => Math.max(...cells.map((line) => line[at].length)));
  const lines = cells.map((line) =>
    line
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at]) : cell.padStart(widths[at])))
      .join('  '),
  );
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}
