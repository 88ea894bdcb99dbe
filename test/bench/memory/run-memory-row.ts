import { readSafetensors, tf, writeSafetensors } from '@flowbook/sdk';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { compareSides } from '../compare-sides';
import { startPeer } from '../peer-process';
import type { Row } from '../rows';
import type { RowContext } from '../run-row';
import { memoryRow, type BenchRow } from '../statistics';
import type { PeakMemory } from './peak-memory';

const runFile = promisify(execFile);

/** Where a row's numbers go, and what from. */
interface Files {
  folder: string;
  inputs: string;
  outputs: string;
}

/** Node with the built package, as a user has it; only the benchmark's own few files are TypeScript. */
async function ownPeak(row: string, files: Files, runs: number): Promise<PeakMemory> {
  const { stdout } = await runFile(
    process.execPath,
    [
      '--require',
      require.resolve('tsx/cjs'),
      join(__dirname, 'one-side.ts'),
      row,
      files.folder,
      files.inputs,
      files.outputs,
      String(runs),
    ],
    {
      env: { ...process.env, TSX_TSCONFIG_PATH: join(__dirname, 'built-sdk.tsconfig.json') },
    },
  );
  return JSON.parse(stdout.trim().split('\n').pop() as string) as PeakMemory;
}

/** A Python process that imports what the row needs, its allocator left as it is. */
async function peerPeak(row: string, files: Files, runs: number): Promise<PeakMemory> {
  const peer = await startPeer({ isTuned: false });
  try {
    const loaded = await peer.call<number>('rows.prepare', { row, side: 'eager', ...files });
    if (runs > 1) await peer.call('rows.measure', { row, side: 'eager', repeats: runs - 1 });
    return { loaded, peak: await peer.call<number>('rows.peak_megabytes') };
  } finally {
    peer.end();
  }
}

/** What both sides' processes took for a row's work, once their numbers agree. */
export async function measureMemory(
  row: Row,
  { folder, exchange, isQuick }: RowContext,
): Promise<{ flowbook: PeakMemory; eager: PeakMemory }> {
  const runs = isQuick ? 1 : 4;
  const inputs = row.inputs();
  const files = {
    folder: row.folder ?? folder,
    inputs: join(exchange, `memory-${row.name}.safetensors`),
    outputs: join(exchange, `memory-${row.name}.peer.safetensors`),
  };
  await writeSafetensors(files.inputs, new Map(Object.entries(inputs)));
  tf.dispose(inputs);
  const own = { ...files, outputs: join(exchange, `memory-${row.name}.own.safetensors`) };
  // Compiled graphs come from the user's cache in every process but the first.
  if (!isQuick) await ownPeak(row.name, own, 1);
  const flowbook = await ownPeak(row.name, own, runs);
  const eager = await peerPeak(row.name, files, runs);
  const outputs = Object.fromEntries(readSafetensors(own.outputs));
  compareSides(outputs, files.outputs, row.tolerance);
  tf.dispose(outputs);
  return { flowbook, eager };
}

/** A row of peak memory. */
export async function runMemoryRow(name: string, row: Row, context: RowContext): Promise<BenchRow> {
  const { flowbook, eager } = await measureMemory(row, context);
  const note = `loaded: ${flowbook.loaded.toFixed(0)} and ${eager.loaded.toFixed(0)} MB`;
  return { ...memoryRow(name, flowbook.peak, eager.peak), note };
}
