import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { repository } from '../../setup/setup-module';
import type { BenchReport } from '../bench-report';
import { benchRows } from '../bench-rows';
import { growthChart } from './growth-charts';
import { mergeReports } from './merge-reports';
import { performancePage } from './performance-page';
import { ratioChart } from './ratio-chart';
import { writePictures } from './write-pictures';

/** Writes docs/performance.md and its pictures from results of `--json`. */
export async function writePerformanceReport(files: readonly string[]): Promise<void> {
  const reports = files.map(
    (file) => JSON.parse(readFileSync(resolve(file), 'utf8')) as BenchReport,
  );
  const names = benchRows.map(({ name }) => name);
  const report = mergeReports(reports, names);
  const judged = report.rows.map((row) => ({
    row,
    target: benchRows[names.indexOf(row.row)].target,
  }));
  const docs = join(repository, 'docs');
  await writePictures(
    [
      ratioChart(judged),
      ...(report.growth === undefined
        ? []
        : [growthChart(report.growth, 'time'), growthChart(report.growth, 'memory')]),
    ],
    docs,
  );
  writeFileSync(join(docs, 'performance.md'), performancePage(report, judged));
}
