import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tf } from '@flowbook/sdk';
import fc from 'fast-check';
import { isFast, isLong } from '../long-run';

/** Counterexamples that were found once: by the property's title, the seed and path that lead to each. */
const SEEDS_FILE = join(__dirname, 'kept-seeds.json');

interface KeptSeed {
  seed: number;
  path: string;
}

type KeptSeeds = Record<string, KeptSeed[]>;

/** A number where code is changed on purpose, again and again, to see whether a test fails: no counterexample is kept then. */
const fewer = process.env.FLOWBOOK_PROPERTY_RUNS;

/** Inputs tried: the same ones in every run, the first of them in fast runs, and other ones in long runs. */
const RUNS = fewer !== undefined ? Number(fewer) : isLong ? 10_000 : isFast ? 250 : 1_000;
const SEED = isLong ? Date.now() % 2 ** 31 : 20_240_501;

/** No input may take longer, in milliseconds. */
const LONGEST_MS = 5_000;

function keptSeeds(): KeptSeeds {
  return JSON.parse(readFileSync(SEEDS_FILE, 'utf8')) as KeptSeeds;
}

/** Keeps what led to a counterexample, so that every later run tries it first. */
function keep(title: string, found: KeptSeed): void {
  const seeds = keptSeeds();
  const known = seeds[title] ?? [];
  if (known.some(({ seed, path }) => seed === found.seed && path === found.path)) return;
  const kept = { ...seeds, [title]: [...known, found] };
  writeFileSync(SEEDS_FILE, `${JSON.stringify(kept, null, 2)}\n`);
}

/**
 * A test that holds for every input of a kind: kept counterexamples first, then drawn inputs, 1,000 of them, 250 in fast runs or
 * 10,000 in long runs, or a share of them where a check is slow. No input may leave a tensor behind or take seconds.
 */
export function holds<Input>(
  title: string,
  inputs: fc.Arbitrary<Input>,
  check: (input: Input) => void | Promise<void>,
  share = 1,
): void {
  it(title, async function () {
    this.timeout(isLong ? 900_000 : 240_000);
    const property = fc.asyncProperty(inputs, async (input) => {
      const tensors = tf.memory().numTensors;
      const begin = performance.now();
      await check(input);
      assert.equal(tf.memory().numTensors, tensors, 'tensors are left');
      assert.ok(performance.now() - begin < LONGEST_MS, 'it took seconds');
    });
    for (const { seed, path } of keptSeeds()[title] ?? []) {
      await fc.assert(property, { seed, path, endOnFailure: true });
    }
    const { failed, seed, counterexamplePath, ...details } = await fc.check(property, {
      seed: SEED,
      numRuns: Math.ceil(share * RUNS),
      endOnFailure: fewer !== undefined,
    });
    if (!failed) return;
    if (fewer === undefined) keep(title, { seed, path: counterexamplePath ?? '' });
    throw new Error(
      `Cannot hold for ${fc.stringify(details.counterexample)}: ${(details.errorInstance as Error | null)?.stack}`,
      { cause: details.errorInstance },
    );
  });
}

/** What came of reading an input: a value, or one of our own errors. */
export type Outcome<Value> = { value: Value } | { error: Error };

/** Runs `read`. Anything thrown that is not a clear error of ours ("Cannot ...") fails. */
export function outcomeOf<Value>(read: () => Value): Outcome<Value> {
  try {
    return { value: read() };
  } catch (error) {
    assert.ok(error instanceof Error);
    const isOurs = error.constructor === Error || error.name === 'NotebookFormatError';
    assert.ok(isOurs && error.message.startsWith('Cannot '), error.stack);
    return { error };
  }
}

/** A folder for the inputs of a test file; `fresh` makes an empty one below it. */
export function inputFolder(): { path: string; fresh(): string } {
  const folder = {
    path: '',
    fresh() {
      const inner = join(folder.path, 'input');
      rmSync(inner, { recursive: true, force: true });
      mkdirSync(inner);
      return inner;
    },
  };
  before(() => {
    folder.path = mkdtempSync(join(tmpdir(), 'flowbook-properties-'));
  });
  after(() => rmSync(folder.path, { recursive: true, force: true }));
  return folder;
}
