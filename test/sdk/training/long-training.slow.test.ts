import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { tf } from '@flowbook/sdk';
import { isLong } from '../../long-run';
import { inFolder, loadSmall, SMALL_RUNS } from './run/small-runs';

const STEPS = isLong ? 1300 : 60;
/** Until then a run warms up: every shape is recorded, and caches fill. */
const WARM_STEPS = isLong ? 300 : 20;
/** Steps between two evaluations: one comes while the run warms up. */
const EVALUATION_STEPS = isLong ? 50 : 10;
/** Steps that are looked at together: in one of them a checkpoint is being written. */
const WINDOW = 10;
const HANDLES = '/proc/self/fd';

/** What a process holds after a step. */
interface Holding {
  tensors: number;
  variables: number;
  handles: number;
  /** Resident, but for JavaScript's heap, which breathes by tens of megabytes. */
  nativeBytes: number;
}

function holding(): Holding {
  const { rss, heapTotal } = process.memoryUsage();
  return {
    tensors: tf.memory().numTensors,
    variables: Object.keys(tf.engine().registeredVariables).length,
    handles: existsSync(HANDLES) ? readdirSync(HANDLES).length : 0,
    nativeBytes: rss - heapTotal,
  };
}

/** What is in use of JavaScript's heap, and not merely to be collected yet. */
function liveHeapBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

/** The least of a window that ends with a step. */
function leastUntil(step: number, held: readonly Holding[], name: keyof Holding): number {
  return Math.min(...held.slice(step - WINDOW, step).map((one) => one[name]));
}

describe('a long training', () => {
  it(`of ${STEPS} steps holds in the end what it held after ${WARM_STEPS}`, () =>
    inFolder(async (runDirectory) => {
      const { algorithm, train } = SMALL_RUNS.FlowGRPO;
      const pipeline = await loadSmall(algorithm);
      const held: Holding[] = [];
      const liveHeap: number[] = [];
      await train(pipeline, {
        steps: STEPS,
        compile: true,
        ema: 0.9,
        runDirectory,
        checkpointEverySteps: 10,
        evaluation: { prompts: ['a red fox', 'a tree'], everySteps: EVALUATION_STEPS },
        onStep: ({ step }) => {
          held.push(holding());
          if (isLong && (step === WARM_STEPS || step === STEPS)) liveHeap.push(liveHeapBytes());
        },
      });
      pipeline.dispose();
      assert.equal(held.length, STEPS);
      for (const name of ['tensors', 'variables'] as const) {
        const counts = new Set(held.slice(WARM_STEPS).map((one) => one[name]));
        assert.equal(counts.size, 1, `${name}: ${[...counts]}`);
      }
      const [warm, end] = [WARM_STEPS, STEPS].map((step) => leastUntil(step, held, 'handles'));
      assert.ok(end <= warm, `${warm} handles, then ${end}`);
      if (!isLong) return;
      const megabytes = [WARM_STEPS, STEPS].map((step, at) => {
        return (leastUntil(step, held, 'nativeBytes') + liveHeap[at]) / 1e6;
      });
      const { tensors, variables } = held[STEPS - 1];
      const summary = `${tensors} tensors, ${variables} variables, ${end} handles, ${megabytes.map((size) => size.toFixed(0)).join(' MB and then ')} MB`;
      process.stdout.write(`      ${summary}\n`);
      assert.ok(megabytes[1] < 1.02 * megabytes[0], summary);
    })).timeout(isLong ? 3_600_000 : 120_000);
});
