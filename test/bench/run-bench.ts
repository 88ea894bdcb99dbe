import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setupModule } from '../setup/setup-module';
import { describeMachine, saveReport, setRates, type BenchReport } from './bench-report';
import { benchRows } from './bench-rows';
import { formatGrowth } from './growth/growth-table';
import { runGrowth } from './growth/run-growth';
import { startPeer } from './peer-process';
import { productRates } from './product-rate';
import { growthChart } from './report/growth-charts';
import { writePictures } from './report/write-pictures';
import type { RowContext } from './run-row';
import { formatTable } from './table';

/** What a run of the benchmark is asked for. */
export interface BenchOptions {
  /** Rows by name; none means all, or with `grow` none. */
  names: readonly string[];
  isQuick: boolean;
  /** Measure how time and memory grow with batch and tokens. */
  grow: boolean;
  /** Where the numbers are written. */
  json?: string;
}

/**
 * Runs rows, prints their table, and writes their numbers after each row, so that a run that is stopped leaves what it
 * had.
 *
 * @throws When a row's name is unknown, or both sides do not compute the same.
 */
export async function runBench({ names, isQuick, grow, json }: BenchOptions): Promise<void> {
  const unknown = names.find((name) => !benchRows.some((row) => row.name === name));
  if (unknown !== undefined) {
    throw new Error(
      `Cannot time "${unknown}" as it must be a row: there are ${benchRows.map(({ name }) => name).join(', ')}`,
    );
  }
  const runsAll = names.length === 0 && !grow;
  const chosen = benchRows.filter(({ name }) => runsAll || names.includes(name));
  const { cacheFolder } = await setupModule('cache-folder.mjs');
  const folder = join(cacheFolder(), 'bench-1', 'mid-size-qwen-image');
  const exchange = mkdtempSync(join(tmpdir(), 'flowbook-bench-'));
  const peer = await startPeer();
  try {
    await peer.call('checkpoint.make', {
      folder,
      tokenizer: resolve(__dirname, '../golden/models/tiny-qwen-image/tokenizer'),
    });
    const context: RowContext = { peer, folder, exchange, isQuick };
    const report = await describeMachine(peer);
    let rates = await productRates(peer);
    setRates(report, rates, chosen);
    for (const row of chosen) {
      const begin = performance.now();
      process.stderr.write(`${row.name} `);
      report.rows.push(await row.run(context));
      // The best of the whole run counts, as a machine has slow moments.
      if (row.flops !== undefined && !isQuick) rates = await productRates(peer, rates);
      setRates(report, rates, chosen);
      process.stderr.write(`${((performance.now() - begin) / 1000).toFixed(0)} s\n`);
      saveReport(json, report);
    }
    if (chosen.length > 0) {
      const judged = chosen.map(({ target }, at) => ({ row: report.rows[at], target }));
      process.stdout.write(formatTable(judged));
    }
    if (grow) await measureGrowth(context, report, json);
  } finally {
    peer.end();
    rmSync(exchange, { recursive: true });
  }
}

/** Adds growth to the report; the plots go beside its file. */
async function measureGrowth(
  context: RowContext,
  report: BenchReport,
  json: string | undefined,
): Promise<void> {
  const growth = await runGrowth(context, (points) => {
    const { work, batch, image_tokens } = points[points.length - 1];
    process.stderr.write(`${work}: batch ${batch}, ${image_tokens} tokens\n`);
    saveReport(json, { ...report, growth: points });
  });
  process.stdout.write(formatGrowth(growth));
  const plots = [growthChart(growth, 'time'), growthChart(growth, 'memory')];
  const names = await writePictures(plots, json === undefined ? '.' : dirname(resolve(json)));
  process.stdout.write(`plots: ${names.join(', ')}\n`);
}
