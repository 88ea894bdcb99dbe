import assert from 'node:assert/strict';
import { benchRows } from './bench-rows';
import { memoryRow, obstructedRow, timedRow } from './statistics';
import { formatTable } from './table';
import { verdictOf } from './targets';

const row = (ours: number, eager: number, compile: number | null, floor_ms: number | null) => ({
  ...timedRow('x', { ours: [ours], eager: [eager], compile: compile === null ? [] : [compile] }),
  floor_ms,
});

describe('what a row of the benchmark has to reach', () => {
  const first = { ratio: 1.3, floors: 1.15, againstCompile: true };

  it('verdictOf() takes the ratio, or nearness to the floor', () => {
    assert.equal(verdictOf(row(100, 130, 110, 50), first), 'reached');
    assert.equal(verdictOf(row(100, 120, 110, 50), first), 'short');
    assert.equal(verdictOf(row(100, 120, 110, 90), first), 'reached');
  });

  it('verdictOf() asks in either case that torch.compile is not faster', () => {
    assert.equal(verdictOf(row(100, 150, 99, 90), first), 'short');
    assert.equal(verdictOf(row(100, 150, null, 90), first), 'open');
    assert.equal(verdictOf(row(100, 120, null, 50), first), 'short');
  });

  it('verdictOf() judges other rows by their ratio alone, and leaves open what was not run', () => {
    assert.equal(verdictOf(row(100, 101, null, null), { ratio: 1 }), 'reached');
    assert.equal(verdictOf(memoryRow('m', 100, 99), { ratio: 1 }), 'short');
    assert.equal(verdictOf(obstructedRow('x', 'why'), { ratio: 1 }), 'open');
  });

  it('benchRows stand in the order of the table', () => {
    assert.deepEqual(
      benchRows.map(({ name, target }) => [name, target.ratio]),
      [
        ['forward', 1.3],
        ['forward-backward', 1.3],
        ['forward-backward-lora', 1.3],
        ['train-step', 1.3],
        ['rollout', 1.3],
        ['rollout-cfg', 1.3],
        ['iteration', 1.3],
        ['scheduler-sde', 1],
        ['scheduler-cps', 1],
        ['scheduler-dance', 1],
        ['vae-decode', 1],
        ['vae-encode', 1],
        ['text-encoder', 1],
        ['tokenizer', 1],
        ['load', 1],
        ['rollout-bf16', 1],
        ['scheduler-sde-noise', 0.8],
        ['memory-train-step', 1],
        ['memory-rollout', 1],
      ],
    );
  });

  it('formatTable() shows times, memory, notes, and whether a row reaches its goal', () => {
    const table = formatTable([
      { row: row(100, 150.4, 9.876, 50), target: first },
      { row: { ...memoryRow('memory', 1200, 600), note: 'a note' }, target: { ratio: 1 } },
      { row: obstructedRow('none', 'why'), target: { ratio: 1 } },
    ]);
    assert.equal(
      table,
      `row     Flowbook  PyTorch  torch.compile  floor  ratio  to reach  reached
x         100 ms   150 ms        9.88 ms  50 ms   1.50       1.3       no
memory   1200 MB   600 MB                         0.50       1.0       no  a note
none                                                         1.0              why
`,
    );
  });
});
