import { runMemoryRow } from './memory/run-memory-row';
import { rows, type Row } from './rows';
import { runRow, type RowContext } from './run-row';
import type { BenchRow } from './statistics';
import type { Target } from './targets';

/** A row of the table. */
export interface BenchEntry {
  name: string;
  target: Target;
  /** Operations of the matrix products that a floor counts. */
  flops?(): number;
  run(context: RowContext): Promise<BenchRow>;
}

function rowOf(name: string): Row {
  const row = rows.find((one) => one.name === name);
  if (row === undefined) throw new Error(`Cannot time "${name}" as there is no such row`);
  return row;
}

const timed = (names: string[], target: Target): BenchEntry[] =>
  names.map((name) => ({
    name,
    target,
    flops: target.floors === undefined ? undefined : rowOf(name).flops,
    run: (context) => runRow(rowOf(name), context),
  }));

const memory = (name: string, of: string): BenchEntry => ({
  name,
  target: { ratio: 1 },
  run: (context) => runMemoryRow(name, rowOf(of), context),
});

/** All rows, in the order of the table. */
export const benchRows: BenchEntry[] = [
  ...timed(
    [
      'forward',
      'forward-backward',
      'forward-backward-lora',
      'train-step',
      'rollout',
      'rollout-cfg',
      'iteration',
    ],
    { ratio: 1.3, floors: 1.15, againstCompile: true },
  ),
  ...timed(
    [
      'scheduler-sde',
      'scheduler-cps',
      'scheduler-dance',
      'vae-decode',
      'vae-encode',
      'text-encoder',
      'tokenizer',
      'load',
      'rollout-bf16',
    ],
    { ratio: 1 },
  ),
  ...timed(['scheduler-sde-noise'], { ratio: 0.8 }),
  memory('memory-train-step', 'train-step'),
  memory('memory-rollout', 'rollout'),
];
