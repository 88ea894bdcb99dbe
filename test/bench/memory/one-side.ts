// A process of its own that does a row's work and says what it took: ROW FOLDER INPUTS OUTPUTS RUNS.
import { readSafetensors, tf, writeSafetensors } from '@flowbook/sdk';
import { rolloutRows } from '../rows/rollout';
import { transformerRows } from '../rows/transformer';
import { residentMegabytes, type PeakMemory } from './peak-memory';

async function main([name, folder, inputs, outputs, runs]: string[]): Promise<PeakMemory> {
  const row = [...transformerRows, ...rolloutRows].find((one) => one.name === name);
  if (row === undefined) throw new Error(`Cannot measure the memory of "${name}"`);
  const job = row.prepare(folder, Object.fromEntries(readSafetensors(inputs)));
  const loaded = residentMegabytes('VmRSS');
  for (let run = 0; run < Number(runs); run++) {
    const given = await job.run();
    if (run === 0) await writeSafetensors(outputs, new Map(Object.entries(given)));
    for (const tensor of Object.values(given)) tensor.dataSync();
    tf.dispose(given);
  }
  return { loaded, peak: residentMegabytes('VmHWM') };
}

main(process.argv.slice(2)).then(
  (memory) => process.stdout.write(`${JSON.stringify(memory)}\n`),
  (error: Error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exitCode = 1;
  },
);
