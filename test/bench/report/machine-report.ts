import type { BenchReport } from '../bench-report';
import type { GrowthPoint } from '../growth/growth-point';
import type { BenchRow } from '../statistics';

/** A run, with what of it is shown. */
export interface ShownRun {
  report: BenchReport;
  /** Names of its rows; a row that several runs have is of the last. */
  rows: string[];
  /** Whether growth is from it. */
  growth: boolean;
}

/** What the runs on one machine gave together. */
export interface MachineReport {
  /** With the best rates of all its runs, as a machine has slow moments. */
  machine: BenchReport['machine'];
  /** Those of which something is shown. */
  runs: ShownRun[];
  rows: BenchRow[];
  growth?: GrowthPoint[];
}

/**
 * Puts the runs on each machine together, machines in the order in which they come first. Of a row, and of growth, that several
 * runs have, the last counts.
 *
 * @param order Names of the rows, in the order of the table.
 * @throws When there are no runs.
 */
export function machineReports(
  reports: readonly BenchReport[],
  order: readonly string[],
): MachineReport[] {
  if (reports.length === 0) throw new Error('Cannot write a report as it needs a file of results');
  const kindOf = ({ machine: { processor, cores, memory_gb } }: BenchReport) =>
    JSON.stringify([processor, cores, memory_gb]);
  return [...new Set(reports.map(kindOf))].map((kind) =>
    machineReport(
      reports.filter((report) => kindOf(report) === kind),
      order,
    ),
  );
}

function machineReport(reports: readonly BenchReport[], order: readonly string[]): MachineReport {
  const lastOf = new Map(
    reports.flatMap((report) => report.rows.map((row) => [row.row, { report, row }] as const)),
  );
  const names = order.filter((name) => lastOf.has(name));
  const grown = reports.filter(({ growth }) => growth !== undefined).at(-1);
  const runs = reports.map((report) => ({
    report,
    rows: names.filter((name) => lastOf.get(name)?.report === report),
    growth: report === grown,
  }));
  return {
    machine: {
      ...reports[0].machine,
      flowbook_gflops: best(reports.map(({ machine }) => machine.flowbook_gflops)),
      eager_gflops: best(reports.map(({ machine }) => machine.eager_gflops)),
    },
    runs: runs.filter(({ rows, growth }) => rows.length > 0 || growth),
    rows: names.flatMap((name) => lastOf.get(name)?.row ?? []),
    ...(grown === undefined ? {} : { growth: grown.growth }),
  };
}

function best(rates: readonly (number | null)[]): number | null {
  const known = rates.filter((rate) => rate !== null);
  return known.length === 0 ? null : Math.max(...known);
}
