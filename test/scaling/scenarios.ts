import type { Scenario } from '../../scaling/scenario';

/** A run in which nothing gets in the way: parts of 2 s, updates of 3 s, no bytes, no failures. */
export const UNDISTURBED: Scenario = {
  steps: 4,
  workers: 1,
  partsPerStep: 6,
  picturesPerPart: 2,
  phases: [{ seconds: 2, bytesOut: 0 }],
  updateSeconds: 3,
  maxStaleness: 0,
  weightsBytes: 0,
  workersPerMachine: 1,
  bytesPerSecond: Infinity,
  callSeconds: 0,
  cores: Infinity,
  contention: 0,
  straggling: 0,
  lateAfterSeconds: 300,
  failureSeconds: Infinity,
  restartSeconds: 10,
};
