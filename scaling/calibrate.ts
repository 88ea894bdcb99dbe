import type { Measurements } from './measure';
import type { Scenario } from './scenario';
import { simulate } from './simulate';

/** What was fitted, and how far the simulation is from what was measured. */
export interface Calibration {
  /** Computing one part on an idle machine, in seconds. */
  partSeconds: number;
  /** Around a part, on the trainer's side, in seconds. */
  callSeconds: number;
  contention: number;
  errors: {
    workers: number;
    measuredSeconds: number;
    simulatedSeconds: number;
    /** Simulated over measured, less 1. */
    error: number;
    /** Whether the fit has seen this number of workers. */
    isFitted: boolean;
  }[];
}

/** What a step takes when nothing else uses the machine: other programs only ever add to it. */
function leastOf(values: readonly number[]): number {
  if (values.length === 0) throw new Error('Cannot calibrate as steps must be measured: []');
  return Math.min(...values);
}

/** Seconds of one rollout as simulated, on the machine that was measured. */
function rolloutSeconds(
  measurements: Measurements,
  workers: number,
  fit: Pick<Calibration, 'partSeconds' | 'callSeconds' | 'contention'>,
): number {
  const scenario: Scenario = {
    steps: 1,
    workers,
    partsPerStep: measurements.partsPerStep,
    picturesPerPart: measurements.picturesPerPart,
    phases: [{ seconds: fit.partSeconds, bytesOut: 0 }],
    updateSeconds: 0,
    maxStaleness: 0,
    weightsBytes: 0,
    workersPerMachine: 1,
    bytesPerSecond: Infinity,
    callSeconds: fit.callSeconds,
    cores: measurements.machine.cores,
    contention: fit.contention,
    straggling: 0,
    lateAfterSeconds: Infinity,
    failureSeconds: Infinity,
    restartSeconds: 0,
  };
  return simulate(scenario, 0).seconds;
}

/**
 * Fits a part's time and its call to one worker's run and the contention to two workers'; four workers are predicted.
 *
 * @throws If there is no run of 1 or 2 workers.
 */
export function calibrate(measurements: Measurements): Calibration {
  const run = (workers: number) => {
    const found = measurements.runs.find((one) => one.workers === workers);
    if (found === undefined) {
      throw new Error(
        `Cannot calibrate as runs of 1 and 2 workers must be measured: current value is ${measurements.runs.map((one) => one.workers).join(', ')}`,
      );
    }
    return found;
  };
  const one = run(1);
  const partSeconds = leastOf(one.busySecondsPerPart);
  const whole = leastOf(one.rolloutSeconds) / measurements.partsPerStep;
  const callSeconds = Math.max(0, whole - partSeconds);
  const two = leastOf(run(2).rolloutSeconds);
  // The time grows with contention: the interval that holds the answer is halved.
  let [low, high] = [0, 4];
  for (let round = 0; round < 50; round++) {
    const contention = (low + high) / 2;
    const seconds = rolloutSeconds(measurements, 2, { partSeconds, callSeconds, contention });
    if (seconds < two) low = contention;
    else high = contention;
  }
  const fit = { partSeconds, callSeconds, contention: low };
  return {
    ...fit,
    errors: measurements.runs.map((measured) => {
      const measuredSeconds = leastOf(measured.rolloutSeconds);
      const simulatedSeconds = rolloutSeconds(measurements, measured.workers, fit);
      return {
        workers: measured.workers,
        measuredSeconds,
        simulatedSeconds,
        error: simulatedSeconds / measuredSeconds - 1,
        isFitted: measured.workers <= 2,
      };
    }),
  };
}
