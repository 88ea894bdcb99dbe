// npm run soak -- [--minutes M] [--seed S] [--only FAULT] [--round N] [--json FILE]: tries faults, one after the other, until the time is
// over and each was tried five times, from round N on (0): `--seed S --only FAULT --round N` begins with exactly the try that a run
// with that seed lost. Exit code 1 when anything was lost.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { RandomKey } from '@flowbook/sdk';
import { fullDisk, slowDisk } from './disk-faults';
import { disconnect, interruptCell } from './kernel-faults';
import { interrupt, kill } from './process-faults';
import { burst, reward, workerLoss } from './reward-faults';
import { inTurn, lossOf, newSeed, type Trial } from './trial';
import { rolloutWorkerLoss } from './worker-faults';

const FAULTS: Readonly<Record<string, Trial>> = {
  kill,
  'slow-disk': slowDisk,
  'full-disk': fullDisk,
  disconnect,
  reward,
  'worker-loss': inTurn(workerLoss, rolloutWorkerLoss),
  interrupt: inTurn(interrupt, interruptCell),
  burst,
};

const FEWEST = 5;

interface Row {
  test: string;
  seed: number;
  tried: number;
  lost: number;
  note: string;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '10' },
      seed: { type: 'string' },
      only: { type: 'string' },
      round: { type: 'string', default: '0' },
      json: { type: 'string' },
    },
  });
  const minutes = Number(values.minutes);
  const first = Number(values.round);
  const seed = values.seed === undefined ? newSeed() : Number(values.seed);
  const names = Object.keys(FAULTS).filter(
    (name) => values.only === undefined || name === values.only,
  );
  const isWhole = Number.isSafeInteger(seed) && Number.isSafeInteger(first) && first >= 0;
  if (!(minutes > 0) || !isWhole || names.length === 0) {
    process.stderr.write(
      `Cannot soak as --minutes must be positive, --seed and --round whole numbers, and --only one of ${Object.keys(FAULTS).join(', ')}\n`,
    );
    process.exit(2);
  }
  process.stdout.write(`seed ${seed}\n`);
  const rows = names.map((test): Row => ({ test, seed, tried: 0, lost: 0, note: '' }));
  const end = performance.now() + minutes * 60_000;
  for (let round = first; round < first + FEWEST || performance.now() < end; round++) {
    for (const row of rows) {
      if (round >= first + FEWEST && performance.now() >= end) break;
      const loss = await lossOf(FAULTS[row.test], RandomKey.fromSeed(seed).fold(row.test, round));
      row.tried += 1;
      process.stdout.write(
        `${row.test} ${round}: ${loss === null ? 'nothing lost' : `LOST: ${loss}`}\n`,
      );
      if (loss === null) continue;
      row.lost += 1;
      row.note += `${row.note === '' ? '' : '; '}round ${round}: ${loss}`;
    }
    if (values.json !== undefined) {
      writeFileSync(values.json, `${JSON.stringify({ rows }, null, 2)}\n`);
    }
  }
  const lost = rows.reduce((sum, row) => sum + row.lost, 0);
  const tried = rows.reduce((sum, row) => sum + row.tried, 0);
  process.stdout.write(`${tried} tried, ${lost} lost, seed ${seed}\n`);
  process.exit(lost > 0 ? 1 : 0);
}

void main();
