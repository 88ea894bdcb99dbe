import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setupModule } from '../setup/setup-module';
import { benchRows } from './bench-rows';
import { describeMachine, writeReport } from './bench-report';
import { startPeer } from './peer-process';
import { productRates } from './product-rate';
import type { BenchRow } from './statistics';
import { formatTable } from './table';

/** What a run of the benchmark is asked for. */
export interface BenchOptions {
  /** Rows by name; none means all. */
  names: readonly string[];
  isQuick: boolean;
  /** Where the numbers are written. */
  json?: string;
}

/**
 * Runs rows, prints their table, and writes their numbers after each row, so that a run that is stopped leaves what it
 * had.
 *
 * @throws When a row's name is unknown, or both sides do not compute the same.
 */
export async function runBench({ names, isQuick, json }: BenchOptions): Promise<void> {
  const unknown = names.find((name) => !benchRows.some((row) => row.name === name));
  if (unknown !== undefined) {
    throw new Error(
      `Cannot time "${unknown}" as it must be a row: there are ${benchRows.map(({ name }) => name).join(', ')}`,
    );
  }
  const chosen = benchRows.filter(({ name }) => names.length === 0 || names.includes(name));
  const { cacheFolder } = await setupModule('cache-folder.mjs');
  const folder = join(cacheFolder(), 'bench-1', 'mid-size-qwen-image');
  const exchange = mkdtempSync(join(tmpdir(), 'flowbook-bench-'));
  const peer = await startPeer();
  try {
    await peer.call('checkpoint.make', {
      folder,
      tokenizer: resolve(__dirname, '../golden/models/tiny-qwen-image/tokenizer'),
    });
    const rates = await productRates(peer);
    const about = await describeMachine(peer, rates);
    const context = {
      peer,
      folder,
      exchange,
      isQuick,
      productRate: Math.max(rates.flowbook, rates.eager),
    };
    const done: BenchRow[] = [];
    for (const row of chosen) {
      const begin = performance.now();
      process.stderr.write(`${row.name} `);
      done.push(await row.run(context));
      process.stderr.write(`${((performance.now() - begin) / 1000).toFixed(0)} s\n`);
      writeReport(json, { ...about, rows: done });
    }
    process.stdout.write(formatTable(chosen.map(({ target }, at) => ({ row: done[at], target }))));
  } finally {
    peer.end();
    rmSync(exchange, { recursive: true });
  }
}
