// npm run bench -- [ROW...] [--json FILE] [--quick]: times Flowbook and PyTorch side by side and prints the ratios.
import { backendInfo } from '@flowbook/sdk';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startPython } from '../reference/reference-python';
import { setupModule } from '../setup/setup-module';
import { rows } from './rows';
import { runRow } from './run-row';
import type { BenchRow } from './statistics';
import { formatTable } from './table';

const { values, positionals } = parseArgs({
  options: { json: { type: 'string' }, quick: { type: 'boolean', default: false } },
  allowPositionals: true,
});

async function main(): Promise<void> {
  const unknown = positionals.find((name) => !rows.some((row) => row.name === name));
  if (unknown !== undefined) {
    throw new Error(
      `Cannot time "${unknown}" as it must be a row: there are ${rows.map(({ name }) => name).join(', ')}`,
    );
  }
  const chosen = rows.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  const { cacheFolder } = await setupModule('cache-folder.mjs');
  const folder = join(cacheFolder(), 'bench-1', 'mid-size-qwen-image');
  const exchange = mkdtempSync(join(tmpdir(), 'flowbook-bench-'));
  const peer = await startPython(join(__dirname, 'peer'), {
    OMP_NUM_THREADS: String(threadCount()),
  });
  try {
    await peer.call('checkpoint.make', {
      folder,
      tokenizer: resolve(__dirname, '../golden/models/tiny-qwen-image/tokenizer'),
    });
    const productRate = await peer.call<number>('rows.product_rate');
    const done: BenchRow[] = [];
    for (const row of chosen) {
      process.stderr.write(`${row.name}\n`);
      const context = {
        peer,
        folder,
        exchange,
        samples: values.quick ? 3 : 5,
        withCompile: !values.quick,
        productRate,
      };
      done.push(await runRow(row, context));
      report(done, await describe(peer, productRate));
    }
    process.stdout.write(formatTable(done));
  } finally {
    peer.end();
    rmSync(exchange, { recursive: true });
  }
}

/** Both sides get as many threads as there are cores. */
function threadCount(): number {
  return cpus().length;
}

async function describe(
  peer: Awaited<ReturnType<typeof startPython>>,
  productRate: number,
): Promise<object> {
  return {
    machine: {
      processor: cpus()[0].model,
      cores: cpus().length,
      memory_gb: Math.round(totalmem() / 1e9),
      product_gflops: Math.round(productRate),
    },
    versions: {
      node: process.version,
      tensorflow: backendInfo().nativeVersion,
      ...(await peer.call<object>('versions.installed')),
    },
  };
}

/** Writes what there is so far, so that a run that is stopped leaves its rows. */
function report(done: readonly BenchRow[], about: object): void {
  if (values.json === undefined) return;
  writeFileSync(resolve(values.json), `${JSON.stringify({ ...about, rows: done }, null, 1)}\n`);
}

main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
