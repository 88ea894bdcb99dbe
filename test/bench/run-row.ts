import { tf, writeSafetensors } from '@flowbook/sdk';
import { join } from 'node:path';
import type { ReferencePython } from '../reference/reference-python';
import { compareSides } from './compare-sides';
import type { Outputs, Row } from './rows';
import { floorMs, repeatsFor, timedRow, type BenchRow } from './statistics';

/** What a row is run with. */
export interface RowContext {
  peer: ReferencePython;
  /** The checkpoint. */
  folder: string;
  /** Where the sides exchange tensors. */
  exchange: string;
  /** Samples of each side; they take turns. */
  samples: number;
  /** Whether torch.compile is timed as well. */
  withCompile: boolean;
  /** The most that matrix products reach, in GFLOP/s. */
  productRate: number;
}

/** Waits until everything was computed, as reading a number does. */
function settle(outputs: Outputs): void {
  for (const tensor of Object.values(outputs)) tensor.dataSync();
  tf.dispose(outputs);
}

/** Checks that both sides compute the same, then times them in turns. */
export async function runRow(row: Row, context: RowContext): Promise<BenchRow> {
  const { peer, folder, exchange, samples } = context;
  const inputs = row.inputs();
  const inputFile = join(exchange, `${row.name}.safetensors`);
  if (Object.keys(inputs).length > 0) {
    await writeSafetensors(inputFile, new Map(Object.entries(inputs)));
  }
  const job = row.prepare(folder, inputs);
  const sides = context.withCompile && row.isModelRow ? ['eager', 'compile'] : ['eager'];
  try {
    const ours = await job.run();
    for (const side of sides) {
      const outputs = join(exchange, `${row.name}.${side}.safetensors`);
      await peer.call('rows.prepare', {
        row: row.name,
        side,
        folder,
        inputs: Object.keys(inputs).length > 0 ? inputFile : null,
        outputs,
      });
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
    // Warm both sides up, and see how long a run takes.
    await measureOurs(1);
    const repeats = repeatsFor(await measureOurs(1));
    for (const side of sides) await measurePeer(side, repeats);
    const taken = { ours: [] as number[], eager: [] as number[], compile: [] as number[] };
    for (let sample = 0; sample < samples; sample++) {
      taken.ours.push(await measureOurs(repeats));
      for (const side of sides) {
        taken[side as 'eager' | 'compile'].push(await measurePeer(side, repeats));
      }
    }
    const floor = row.flops === undefined ? null : floorMs(row.flops, context.productRate);
    return timedRow(
      row.name,
      { ours: taken.ours, eager: taken.eager, compiled: taken.compile },
      floor,
    );
  } finally {
    job.dispose();
    await peer.call('rows.release', { row: row.name });
  }
}
