import { backendInfo } from '@flowbook/sdk';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import type { ReferencePython } from '../reference/reference-python';
import type { BenchEntry } from './bench-rows';
import type { GrowthPoint } from './growth/growth-point';
import { thisProcessor } from './processor';
import type { ProductRates } from './product-rate';
import { floorMs, type BenchRow } from './statistics';

/** What a run of the benchmark leaves. */
export interface BenchReport {
  /** What a reader has to know of it, where it is not as a run writes it. */
  note?: string;
  machine: {
    processor: string;
    cores: number;
    memory_gb: number;
    /** What matrix products reach at their best, each side's; null where that was not kept. */
    flowbook_gflops: number | null;
    eager_gflops: number | null;
  };
  versions: Record<string, string>;
  rows: BenchRow[];
  /** What `--grow` measured. */
  growth?: GrowthPoint[];
}

/** The package's version, with the commit and whether files differ from it where that is known: '0.1.0 (61460bf)'. */
export function flowbookVersion(): string {
  const root = resolve(__dirname, '../..');
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    version: string;
  };
  try {
    const commit = execFileSync('git', ['describe', '--always', '--dirty', '--exclude', '*'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return `${version} (${commit.trim()})`;
  } catch {
    return version;
  }
}

/** The machine and what runs on it; rates of products come with the rows. */
export async function describeMachine(peer: ReferencePython): Promise<BenchReport> {
  return {
    machine: {
      processor: thisProcessor(),
      cores: cpus().length,
      memory_gb: Math.round(totalmem() / 1e9),
      flowbook_gflops: 0,
      eager_gflops: 0,
    },
    versions: {
      flowbook: flowbookVersion(),
      node: process.version,
      tensorflow: String(backendInfo().nativeVersion),
      ...(await peer.call<Record<string, string>>('versions.installed')),
    },
    rows: [],
  };
}

/** Sets what products reach, and with it the floor of each row that has one. */
export function setRates(
  report: BenchReport,
  rates: ProductRates,
  entries: readonly Pick<BenchEntry, 'name' | 'flops'>[],
): void {
  report.machine.flowbook_gflops = Math.round(rates.flowbook);
  report.machine.eager_gflops = Math.round(rates.eager);
  const rate = Math.max(rates.flowbook, rates.eager);
  for (const row of report.rows) {
    const { flops } = entries.find(({ name }) => name === row.row) ?? {};
    if (flops !== undefined) row.floor_ms = floorMs(flops(), rate);
  }
}

/** Writes a report where a file is asked for. */
export function saveReport(file: string | undefined, report: BenchReport): void {
  if (file !== undefined) writeFileSync(resolve(file), `${JSON.stringify(report, null, 1)}\n`);
}
