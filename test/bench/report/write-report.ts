import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { repository } from '../../setup/setup-module';
import type { BenchReport } from '../bench-report';
import { benchRows } from '../bench-rows';
import { growthChart } from './growth-charts';
import { machineReports } from './machine-report';
import { performancePage, pictureName, type JudgedMachine } from './performance-page';
import { ratioChart } from './ratio-chart';
import { writePictures } from './write-pictures';

const KEPT = join(repository, 'test', 'bench', 'results');
const DOCS = join(repository, 'docs');

/** The files of results that are kept, in the order of their names. */
export function keptResults(): string[] {
  return readdirSync(KEPT)
    .filter((name) => name.endsWith('.json'))
    .sort()
    .map((name) => join(KEPT, name));
}

/** Reads results of `--json`, machine by machine, each row with what it has to reach. */
export function readMachines(files: readonly string[]): JudgedMachine[] {
  const reports = files.map(
    (file) => JSON.parse(readFileSync(resolve(file), 'utf8')) as BenchReport,
  );
  const names = benchRows.map(({ name }) => name);
  return machineReports(reports, names).map((machine) => ({
    ...machine,
    judged: machine.rows.map((row) => ({ row, target: benchRows[names.indexOf(row.row)].target })),
  }));
}

/** Writes docs/performance.md and its pictures from results of `--json`, or from those that are kept where none are named. */
export async function writePerformanceReport(files: readonly string[]): Promise<void> {
  const machines = readMachines(files.length > 0 ? files : keptResults());
  for (const [at, { judged, growth }] of machines.entries()) {
    const drawings = [
      ratioChart(judged, pictureName('ratios', at)),
      ...(growth === undefined
        ? []
        : (['time', 'memory'] as const).map((quantity) =>
            growthChart(growth, quantity, pictureName(quantity, at)),
          )),
    ];
    await writePictures(drawings, DOCS);
  }
  writeFileSync(join(DOCS, 'performance.md'), performancePage(machines));
}
