/** A kind of part that a step is made of: first all rollouts, then, where workers compute gradients too, all gradients. */
export interface Phase {
  /** Computing one part on an otherwise idle machine, in seconds. */
  seconds: number;
  /** What a worker answers with, in bytes. */
  bytesOut: number;
}

/** What is simulated: a run of one trainer and workers that make the parts of its steps. */
export interface Scenario {
  steps: number;
  workers: number;
  partsPerStep: number;
  picturesPerPart: number;
  phases: readonly Phase[];
  /** The trainer's own share of a step, in seconds. */
  updateSeconds: number;
  /** Step s is rolled out with the weights of step s - maxStaleness. */
  maxStaleness: number;
  weightsBytes: number;
  /** Workers that share a machine, and there one copy of the weights. */
  workersPerMachine: number;
  /** Of the trainer's connection, each way, in bytes a second. */
  bytesPerSecond: number;
  /** Handing out one part: encoding, sending, reading the answer, in seconds. */
  callSeconds: number;
  /** Processor cores that trainer and workers share; Infinity where each has its own device. */
  cores: number;
  /** By how much each further core at work slows all: work runs at 1 / (1 + contention * (cores with workers - 1)). */
  contention: number;
  /** Spread of how long equal parts take: standard deviation of the logarithm; the mean stays. */
  straggling: number;
  /** A part that takes longer is handed out a second time when a worker is free, in seconds. */
  lateAfterSeconds: number;
  /** Mean time between failures of one worker, in seconds; Infinity: none fails. */
  failureSeconds: number;
  /** From a failure until a worker in its place is ready, in seconds. */
  restartSeconds: number;
}

/** @throws When a scenario cannot be simulated. */
export function checkScenario(scenario: Scenario): void {
  const refuse = (rule: string, value: unknown): never => {
    throw new Error(`Cannot simulate as ${rule}: current value is ${String(value)}`);
  };
  for (const name of [
    'steps',
    'workers',
    'partsPerStep',
    'picturesPerPart',
    'workersPerMachine',
  ] as const) {
    const value = scenario[name];
    if (!Number.isSafeInteger(value) || value < 1)
      refuse(`${name} must be a whole number from 1`, value);
  }
  const { maxStaleness, phases } = scenario;
  if (!Number.isSafeInteger(maxStaleness) || maxStaleness < 0) {
    refuse('maxStaleness must be a whole number from 0', maxStaleness);
  }
  if (phases.length === 0) refuse('a step must have a phase', phases.length);
  for (const { seconds } of phases) {
    if (!(seconds > 0)) refuse("a phase's seconds must be above 0", seconds);
  }
  for (const name of ['cores', 'bytesPerSecond', 'failureSeconds', 'lateAfterSeconds'] as const) {
    if (!(scenario[name] > 0)) refuse(`${name} must be above 0`, scenario[name]);
  }
  for (const name of [
    'updateSeconds',
    'weightsBytes',
    'callSeconds',
    'contention',
    'straggling',
    'restartSeconds',
  ] as const) {
    if (!(scenario[name] >= 0)) refuse(`${name} must be 0 or more`, scenario[name]);
  }
}
