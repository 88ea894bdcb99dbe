import type { SweepRow } from './sweep';

const COLUMNS: readonly [string, (row: SweepRow) => string][] = [
  ['model', ({ workload }) => workload],
  ['design', ({ design }) => design],
  ['workers', ({ workers }) => String(workers)],
  ['pictures/s', (row) => row.picturesPerSecond.toFixed(2)],
  ['workers idle', (row) => `${Math.round(100 * row.workersIdle)}%`],
  ['trainer idle', (row) => `${Math.round(100 * row.trainerIdle)}%`],
  ['staleness', (row) => row.staleness.toFixed(2)],
  ['GB', (row) => ((row.weightsBytes + row.answerBytes) / 1e9).toFixed(1)],
  ['requeued', ({ requeued }) => String(requeued)],
  ['$/1000', (row) => row.dollarsPerThousandPictures.toFixed(2)],
];

/** A sweep as a Markdown table. */
export function tableOf(rows: readonly SweepRow[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [
    line(COLUMNS.map(([name]) => name)),
    line(COLUMNS.map(() => '---')),
    ...rows.map((row) => line(COLUMNS.map(([, show]) => show(row)))),
  ].join('\n');
}
