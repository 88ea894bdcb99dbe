import { backendInfo } from '@flowbook/sdk';
import { writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { resolve } from 'node:path';
import type { ReferencePython } from '../reference/reference-python';
import type { GrowthPoint } from './growth/growth-point';
import type { ProductRates } from './product-rate';
import type { BenchRow } from './statistics';

/** What a run of the benchmark leaves. */
export interface BenchReport {
  machine: {
    processor: string;
    cores: number;
    memory_gb: number;
    /** What matrix products reach at their best, each side's. */
    flowbook_gflops: number;
    eager_gflops: number;
  };
  versions: Record<string, string>;
  rows: BenchRow[];
  /** What `--grow` measured. */
  growth?: GrowthPoint[];
}

/** The machine and what runs on it. */
export async function describeMachine(
  peer: ReferencePython,
  rates: ProductRates,
): Promise<Pick<BenchReport, 'machine' | 'versions'>> {
  return {
    machine: {
      processor: cpus()[0].model.trim(),
      cores: cpus().length,
      memory_gb: Math.round(totalmem() / 1e9),
      flowbook_gflops: Math.round(rates.flowbook),
      eager_gflops: Math.round(rates.eager),
    },
    versions: {
      node: process.version,
      tensorflow: String(backendInfo().nativeVersion),
      ...(await peer.call<Record<string, string>>('versions.installed')),
    },
  };
}

/** Writes a report where a file is asked for. */
export function saveReport(file: string | undefined, report: BenchReport): void {
  if (file !== undefined) writeFileSync(resolve(file), `${JSON.stringify(report, null, 1)}\n`);
}
