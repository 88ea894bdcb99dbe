import { setImmediate } from 'node:timers/promises';
import { RandomKey } from '../core/random-key';
import { throwIfAborted } from '../core/cell-signal';
import { observer } from '../core/observer';
import {
  ANYTHING,
  checkOptions,
  FUNCTION,
  number,
  orNull,
  required,
  SIGNAL,
  TEXT,
  wholeNumber,
  type Rules,
} from '../core/option-rules';
import type { LossGradients } from '../losses';
import { assignAll } from '../models';
import type { tf } from '../tensorflow';
import { AdamW, RunLog, WeightAverage, applyGradients, readRunLog } from '../training';
import { pretrainingRate, type PretrainingRate } from './learning-rate';
import { resumePretraining, savePretraining } from './pretraining-state';

/** What is pre-trained: the loss of a step, and how good the weights are. */
export interface PretrainingTask {
  /** What is trained, by name. */
  variables: ReadonlyMap<string, tf.Variable>;
  /** The loss of one batch with its gradients. The key is the step's own; the caller disposes the result. */
  gradients(key: RandomKey): LossGradients | Promise<LossGradients>;
  /** Measures the weights as they are, for the log. */
  evaluate?(): Promise<Record<string, number>> | Record<string, number>;
}

/** Options of `pretrain`. */
export interface PretrainingOptions extends PretrainingRate {
  steps: number;
  /** AdamW's. */
  betas: readonly [number, number];
  /** AdamW's. */
  weightDecay: number;
  /** Longest gradient; longer ones are scaled down. */
  maxGradNorm: number;
  /** Decay of the mean of the weights, which is what counts in the end. */
  average: number;
  /** Everything random follows from it. */
  seed: number;
  /** Steps between two evaluations, and two saves. */
  everySteps: number;
  /** Where the state and log.jsonl are kept; a run that was stopped goes on from there. */
  folder: string;
  /** Further settings that the result depends on, as JSON: a run that was begun under others is not continued. */
  settings?: object;
  signal?: AbortSignal | null;
  /** Told after each step that is logged. What it throws is said on stderr, once. */
  onProgress?: (progress: Record<string, number>) => void;
}

const NUMBER = required(number());

const RULES: Rules<PretrainingOptions> = {
  steps: required(wholeNumber(0)),
  learningRate: NUMBER,
  warmupSteps: NUMBER,
  levelShare: NUMBER,
  finalShare: NUMBER,
  // `AdamW` has the rules of both.
  betas: ANYTHING,
  weightDecay: ANYTHING,
  maxGradNorm: ANYTHING,
  average: ANYTHING,
  seed: required(wholeNumber()),
  everySteps: required(wholeNumber(1)),
  folder: required(TEXT),
  settings: ANYTHING,
  signal: orNull(SIGNAL),
  onProgress: orNull(FUNCTION),
};

/** Steps whose mean loss is one line of the log. */
const LOGGED_TOGETHER = 50;

/**
 * Trains from new weights: batches, gradients, AdamW, and a mean of the weights, which they are set to in the end. A run
 * that was stopped goes on where it was saved last, to the same bits.
 *
 * @returns What the last evaluation found; of a run that was finished before, one of the weights as they are.
 * @throws When there is no such option or one breaks its rule, the loss is not finite, or the signal is aborted; the folder
 *   keeps the last state.
 */
export async function pretrain(
  task: PretrainingTask,
  options: PretrainingOptions,
): Promise<Record<string, number>> {
  checkOptions('pre-train', options, RULES);
  const { steps, folder, everySteps, signal = null } = options;
  const tell = observer(options.onProgress, 'onProgress', 'pre-training');
  const { variables } = task;
  const optimizer = new AdamW(variables, {
    betas: options.betas,
    weightDecay: options.weightDecay,
  });
  const average = new WeightAverage(variables, options.average);
  const state = { variables, optimizer, average };
  const identity = JSON.stringify(identityOf(options));
  const key = RandomKey.fromSeed(options.seed);
  let found: Record<string, number> = {};
  try {
    const done = resumePretraining(folder, state, identity);
    const log = new RunLog(folder);
    log.restart(readRunLog(folder, done));
    const startedAt = performance.now();
    let losses: number[] = [];
    const evaluate = () => average.use(async () => (await task.evaluate?.()) ?? {});
    // A run that was finished before has nothing else to say.
    if (done >= steps) found = await evaluate();
    for (let step = done + 1; step <= steps; step++) {
      throwIfAborted(signal);
      await setImmediate();
      optimizer.lr = pretrainingRate(step, steps, options);
      const part = await task.gradients(key.fold('step', step));
      try {
        const [loss] = part.loss.dataSync();
        if (!Number.isFinite(loss)) {
          throw new Error(
            `Cannot go on with pre-training as the loss must be finite: current value is ${loss}, at step ${step}`,
          );
        }
        losses.push(loss);
        await applyGradients(state, part.gradients, options.maxGradNorm);
      } finally {
        part.dispose();
      }
      const isMeasured = step % everySteps === 0 || step === steps;
      if (step % LOGGED_TOGETHER !== 0 && !isMeasured) continue;
      if (isMeasured) found = await evaluate();
      const seconds = (performance.now() - startedAt) / 1000;
      const loss = losses.reduce((sum, value) => sum + value, 0) / losses.length;
      const entry = { step, steps, loss, lr: optimizer.lr, seconds, ...(isMeasured ? found : {}) };
      log.write(entry);
      losses = [];
      if (isMeasured) savePretraining(folder, state, step, identity);
      tell(entry);
    }
    assignAll(variables, average.values);
    return found;
  } finally {
    average.dispose();
    optimizer.dispose();
  }
}

/** What the numbers of a run depend on. */
function identityOf(options: PretrainingOptions): object {
  const { steps, learningRate, warmupSteps, levelShare, finalShare, betas, weightDecay } = options;
  const { maxGradNorm, average, seed, settings = {} } = options;
  const rate = { steps, learningRate, warmupSteps, levelShare, finalShare };
  return { ...rate, betas, weightDecay, maxGradNorm, average, seed, ...settings };
}
