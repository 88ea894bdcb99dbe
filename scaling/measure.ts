import { cpus } from 'node:os';
import { setTimeout as after } from 'node:timers/promises';
import { LocalWorkers, WorkerPool, loadPipeline, trainFlowGRPO } from '@flowbook/sdk';

/** What one number of workers took, over the steps that were kept. */
export interface MeasuredWorkers {
  workers: number;
  /** From the first part asked for to the last answer, of each step. */
  rolloutSeconds: number[];
  /** Mean over a step's parts, by the workers' own clocks, of each step. */
  busySecondsPerPart: number[];
  updateSeconds: number[];
}

/** Measured runs, and where they ran. */
export interface Measurements {
  machine: { cores: number; processor: string; node: string; remark: string };
  partsPerStep: number;
  picturesPerPart: number;
  runs: MeasuredWorkers[];
}

const MODEL = { path: 'datasets/tiny-qwen-image', config: { height: 64, width: 64 } };
const GROUP_SIZE = 16;
const PROMPTS = ['a red circle', 'a blue square'];
const MICRO_BATCH_SIZE = 2;
/** Graphs are compiled in the first ones. */
const WARM_UP_STEPS = 2;

/** Trains the tiny model with rollouts over so many local workers of one thread each. */
export async function measureWorkers(workers: number, keptSteps: number): Promise<MeasuredWorkers> {
  const pipeline = await loadPipeline(MODEL.path, MODEL.config);
  const pool = new WorkerPool(new LocalWorkers({ count: workers, threads: 1 }), MODEL);
  const run: MeasuredWorkers = {
    workers,
    rolloutSeconds: [],
    busySecondsPerPart: [],
    updateSeconds: [],
  };
  try {
    await pool.open();
    while (pool.size < workers) await after(100);
    await trainFlowGRPO(pipeline, {
      prompts: PROMPTS,
      reward: 'redness',
      steps: WARM_UP_STEPS + keptSteps,
      groupSize: GROUP_SIZE,
      microBatchSize: MICRO_BATCH_SIZE,
      rolloutWorkers: pool,
      seed: 1,
      onStep: ({ step, timings, workers: report }) => {
        if (step <= WARM_UP_STEPS || report === null) return;
        const total = (key: 'parts' | 'busySeconds') =>
          report.workers.reduce((sum, worker) => sum + worker[key], 0);
        run.rolloutSeconds.push(timings.rolloutSeconds);
        run.busySecondsPerPart.push(total('busySeconds') / total('parts'));
        run.updateSeconds.push(timings.updateSeconds);
      },
    });
  } finally {
    await pool.close();
  }
  return run;
}

/** Measures runs of 1, 2 and 4 workers one after the other. */
export async function measure(keptSteps: number, remark: string): Promise<Measurements> {
  const runs: MeasuredWorkers[] = [];
  for (const workers of [1, 2, 4]) runs.push(await measureWorkers(workers, keptSteps));
  const [{ model }] = cpus();
  return {
    machine: {
      cores: cpus().length,
      processor: model,
      node: process.version,
      remark,
    },
    partsPerStep: (GROUP_SIZE * PROMPTS.length) / MICRO_BATCH_SIZE,
    picturesPerPart: MICRO_BATCH_SIZE,
    runs,
  };
}
