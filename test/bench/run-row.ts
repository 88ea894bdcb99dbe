import { tf, writeSafetensors } from '@flowbook/sdk';
import { join } from 'node:path';
import type { ReferencePython } from '../reference/reference-python';
import { compareSides } from './compare-sides';
import type { Outputs, Row } from './rows';
import { obstructedRow, repeatsFor, samplesFor, timedRow, type BenchRow } from './statistics';

/** What a row is run with. */
export interface RowContext {
  peer: ReferencePython;
  /** The checkpoint. */
  folder: string;
  /** Where the sides exchange tensors. */
  exchange: string;
  /** Fewer samples, and no torch.compile. */
  isQuick: boolean;
  /** Samples of each side. Default: as many as the time that a run takes allows. */
  samples?: number;
}

/** Waits until everything was computed, as reading a number does. */
function settle(outputs: Outputs): void {
  for (const tensor of Object.values(outputs)) tensor.dataSync();
  tf.dispose(outputs);
}

/** Checks that both sides compute the same, then times them in turns. */
export async function runRow(row: Row, context: RowContext): Promise<BenchRow> {
  const obstacle = row.obstacle?.() ?? null;
  if (obstacle !== null) return obstructedRow(row.name, obstacle);
  const { peer, exchange, isQuick } = context;
  const folder = row.folder ?? context.folder;
  const inputs = row.inputs();
  const inputFile = join(exchange, `${row.name}.safetensors`);
  const hasInputs = Object.keys(inputs).length > 0;
  if (hasInputs) await writeSafetensors(inputFile, new Map(Object.entries(inputs)));
  const job = row.prepare(folder, inputs);
  const sides = row.isModelRow && !isQuick ? (['eager', 'compile'] as const) : (['eager'] as const);
  try {
    const ours = await job.run();
    for (const side of sides) {
      const outputs = join(exchange, `${row.name}.${side}.safetensors`);
      const given = { folder, inputs: hasInputs ? inputFile : null, outputs };
      await peer.call('rows.prepare', { row: row.name, side, ...given });
      compareSides(ours, outputs, row.tolerance);
    }
    tf.dispose(ours);
    const measureOurs = async (repeats: number) => {
      const begin = performance.now();
      for (let k = 0; k < repeats; k++) settle(await job.run());
      return (performance.now() - begin) / repeats;
    };
    const measurePeer = (side: string, repeats: number) =>
      peer.call<number>('rows.measure', { row: row.name, side, repeats });
    // Warm both sides up, and see how long a run takes; the comparison above was the first run.
    if (!isQuick) await measureOurs(1);
    const ms = await measureOurs(1);
    const repeats = repeatsFor(ms);
    const samples = context.samples ?? samplesFor(ms, isQuick);
    if (samples > 1) for (const side of sides) await measurePeer(side, repeats);
    const taken = { ours: [] as number[], eager: [] as number[], compile: [] as number[] };
    for (let sample = 0; sample < samples; sample++) {
      taken.ours.push(await measureOurs(repeats));
      for (const side of sides) taken[side].push(await measurePeer(side, repeats));
    }
    return timedRow(row.name, taken);
  } finally {
    job.dispose();
    await peer.call('rows.release', { row: row.name });
  }
}
