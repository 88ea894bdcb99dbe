import type { BenchReport } from '../bench-report';

/**
 * Puts runs on one machine together; of a row that several have, the last counts.
 *
 * @param order Names of the rows, in the order of the table.
 * @throws When there are none, or they come from machines or versions that differ.
 */
export function mergeReports(
  reports: readonly BenchReport[],
  order: readonly string[],
): BenchReport {
  if (reports.length === 0) throw new Error('Cannot write a report as it needs a file of results');
  const [first] = reports;
  const kindOf = ({ machine: { processor, cores }, versions }: BenchReport) =>
    JSON.stringify([processor, cores, versions]);
  const other = reports.find((report) => kindOf(report) !== kindOf(first));
  if (other !== undefined) {
    throw new Error(
      `Cannot write a report as all results must come from one machine with the same versions: current ones are ${kindOf(first)} and ${kindOf(other)}`,
    );
  }
  const byName = new Map(reports.flatMap(({ rows }) => rows.map((row) => [row.row, row] as const)));
  const growth = reports.flatMap((report) => report.growth ?? []);
  return {
    machine: first.machine,
    versions: first.versions,
    rows: order.flatMap((name) => byName.get(name) ?? []),
    ...(growth.length > 0 ? { growth } : {}),
  };
}
