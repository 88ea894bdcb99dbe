import { simulate, type SimulatedRun } from './simulate';
import { WORKLOADS } from './settings';
import { DESIGNS, workloadScenario } from './workload-scenario';

/** One simulated run of a sweep. */
export interface SweepRow extends SimulatedRun {
  workload: string;
  design: string;
  workers: number;
  dollarsPerThousandPictures: number;
}

/** Numbers of workers of a range such as 2..512: doubled from the first, and the last. */
export function workerCounts(range: string): number[] {
  const match = /^(\d{1,5})\.\.(\d{1,5})$/.exec(range);
  const [from, to] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || from < 1 || to < from || to > 4096) {
    throw new Error(
      `Cannot simulate as --workers must be a range from 1 to 4096 such as 2..512: current value is ${range}`,
    );
  }
  const counts: number[] = [];
  for (let workers = from; workers < to; workers *= 2) counts.push(workers);
  return [...counts, to];
}

/** Simulates every design of a workload at every number of workers. */
export function sweep(workload: string, counts: readonly number[], seed: number): SweepRow[] {
  const settings = WORKLOADS[workload];
  if (settings === undefined) {
    throw new Error(
      `Cannot simulate as --model must be one of ${Object.keys(WORKLOADS).join(', ')}: current value is ${workload}`,
    );
  }
  return Object.entries(DESIGNS).flatMap(([design, how]) =>
    counts.map((workers) => {
      const run = simulate(workloadScenario(settings, how, workers), seed);
      const dollarsPerSecond = ((workers + 1) * settings.gpu.dollarsPerHour.value) / 3600;
      const dollarsPerThousandPictures = (1000 * dollarsPerSecond) / run.picturesPerSecond;
      return { workload, design, workers, ...run, dollarsPerThousandPictures };
    }),
  );
}
