// npm run bench:kernel -- [--json FILE] [--quick]: starts Flowbook's kernel, Deno's and ipykernel in turn, and prints medians.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { layOut } from '../table';
import { peerKernels } from './peer-kernels';
import { runRounds } from './rounds';

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { json: { type: 'string' }, quick: { type: 'boolean', default: false } },
  });
  const kernels = await peerKernels();
  const result = await runRounds(kernels, values.quick ? 2 : 5, (line) =>
    process.stderr.write(`${line}\n`),
  );
  const cell = (ms: number | null | undefined) =>
    ms === undefined ? '' : ms === null ? 'never' : `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
  const names = kernels.map(({ name }) => name);
  const rows = Object.entries(result.medians).map(([measure, of]) => [
    measure,
    ...names.map((name) => cell(of[name])),
  ]);
  process.stdout.write(`${layOut([['median of ' + result.rounds, ...names], ...rows])}\n`);
  if (values.json) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
}

main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
