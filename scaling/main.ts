// npm run simulate -- --workers 2..512 [--model NAME] [--seed N] [--out FOLDER]: what runs on many machines would come to, as a
// table, and as JSON and a picture in a folder. npm run simulate -- --measure FILE: measured runs of 1, 2 and 4 workers here.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { calibrate } from './calibrate';
import { measure, type Measurements } from './measure';
import { throughputPicture } from './picture';
import { WORKLOADS } from './settings';
import { sweep, workerCounts } from './sweep';
import { tableOf } from './table';

const MEASURED = join(__dirname, 'measured.json');

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      workers: { type: 'string', default: '2..512' },
      model: { type: 'string' },
      seed: { type: 'string', default: '1' },
      out: { type: 'string' },
      measure: { type: 'string' },
      remark: { type: 'string', default: '' },
    },
  });
  if (values.measure !== undefined) {
    const measurements = await measure(6, values.remark);
    await writeFile(values.measure, `${JSON.stringify(measurements, null, 2)}\n`);
    return;
  }
  const measurements = JSON.parse(await readFile(MEASURED, 'utf8')) as Measurements;
  for (const one of calibrate(measurements).errors) {
    console.log(
      `${one.workers} local workers: measured ${one.measuredSeconds.toFixed(3)} s a rollout, simulated ${one.simulatedSeconds.toFixed(3)} s (${(100 * one.error).toFixed(1)}%, ${one.isFitted ? 'fitted' : 'predicted'})`,
    );
  }
  const counts = workerCounts(values.workers);
  const models = values.model === undefined ? Object.keys(WORKLOADS) : [values.model];
  const rows = models.flatMap((model) => sweep(model, counts, Number(values.seed)));
  console.log(`\n${tableOf(rows)}`);
  if (values.out === undefined) return;
  const bundle = await throughputPicture(rows);
  await mkdir(values.out, { recursive: true });
  await writeFile(join(values.out, 'scaling.json'), `${JSON.stringify(rows, null, 2)}\n`);
  const png = bundle.data['image/png'];
  await writeFile(join(values.out, 'scaling.png'), Buffer.from(png as string, 'base64'));
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
