import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RandomKey, WorkerPool } from '@flowbook/sdk';
import {
  loadSmall,
  trainedWeights,
  withoutTimes,
  SMALL_RUNS,
} from '../sdk/training/run/small-runs';
import type { SmallOptions } from '../sdk/training/run/small-runs';

/** One try of a fault, by its own key: everything random in it follows from that. */
export type Trial = (key: RandomKey, folder: string) => Promise<void>;

/** Draws a whole number from `from` to below `to`. */
export const draw = (key: RandomKey, name: string, from: number, to: number): number =>
  key.fold(name).integer(from, to);

/** Settings of every training here. */
export const SETTINGS = {
  ema: 0.9,
  checkpointEverySteps: 1,
  steps: 4,
} as const satisfies SmallOptions;

type Options = SmallOptions & {
  reward?: unknown;
  microBatchSize?: number;
  rolloutWorkers?: WorkerPool;
};

/** What a log says of the workers, which differs when one is lost. */
const OF_WORKERS = /^workers|^requeued|^duplicates|^staleness/;

/** What a training in this process leaves: log and weights. */
export async function trainHere(options: Options): Promise<object> {
  const { algorithm, train } = SMALL_RUNS.FlowGRPO;
  const pipeline = await loadSmall(algorithm);
  try {
    const { log } = await train(pipeline, { ...SETTINGS, ...options } as SmallOptions);
    const lines = withoutTimes(log).map((line) =>
      Object.fromEntries(Object.entries(line).filter(([name]) => !OF_WORKERS.test(name))),
    );
    return { log: lines, weights: trainedWeights(pipeline) };
  } finally {
    pipeline.dispose();
  }
}

const references = new Map<string, Promise<object>>();

/** What a training without any fault leaves; done once for each name. */
export function undisturbed(name: string, work: () => Promise<object>): Promise<object> {
  const known = references.get(name) ?? work();
  references.set(name, known);
  return known;
}

/** Makes sure that what a fault left is what there is without it. */
export function requireEqual(actual: object, expected: object): void {
  assert.ok(
    JSON.stringify(actual) === JSON.stringify(expected),
    'log, pictures or weights differ from those of a run without the fault',
  );
}

/** Tries faults one after the other, each in a folder of its own, as one. */
export function inTurn(...trials: readonly Trial[]): Trial {
  return async (key, folder) => {
    for (const [at, trial] of trials.entries()) {
      const own = join(folder, String(at));
      mkdirSync(own);
      await trial(key, own);
    }
  };
}

/**
 * Runs one try in a folder of its own. One that is not over in time counts as lost, and the others are tried; it may be going on
 * beside them.
 *
 * @returns What was lost, in words; null when nothing was.
 */
export async function lossOf(
  trial: Trial,
  key: RandomKey,
  limitSeconds = 300,
): Promise<string | null> {
  const folder = mkdtempSync(join(tmpdir(), 'flowbook-soak-'));
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    const note = `it was not over within ${limitSeconds} seconds`;
    timer = setTimeout(() => resolve(note), limitSeconds * 1000);
  });
  try {
    return await Promise.race([trial(key, folder).then(() => null), late]);
  } catch (error) {
    return (error as Error).message;
  } finally {
    clearTimeout(timer);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A seed where none is given. */
export const newSeed = (): number => randomInt(2 ** 31);
