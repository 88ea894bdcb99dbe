import {
  checkOptions,
  COMPAT,
  number,
  oneOf,
  optionsAmong,
  required,
  type Rules,
} from '../core/option-rules';

/** How the learning rate changes over a run; verl-omni's `actor.optim`, in camelCase. */
export interface LearningRateSchedule {
  /** The rate after the warm-up. */
  learningRate: number;
  /** Steps over which the rate rises to its value. Default 0. */
  warmupSteps?: number;
  /** What follows: 'constant' (default), or 'cosine' down to `minLrRatio`, which the step after the last would have. */
  lrSchedule?: 'constant' | 'cosine';
  /** Steps of the whole run; 'cosine' needs them, and stays after them where it has come to. */
  totalSteps?: number;
  /** Least rate of 'cosine', as a share of the learning rate. Default 0. */
  minLrRatio?: number;
  /** Waves of 'cosine'. Default 0.5: half of one, down to the minimum. */
  numCycles?: number;
  /** 'verl-omni' counts the steps of the warm-up from 0, so that the first update has rate 0. Default null. */
  compat?: 'verl-omni' | null;
}

const RULES: Rules<LearningRateSchedule> = {
  learningRate: required(number()),
  warmupSteps: number({ least: 0 }),
  lrSchedule: oneOf('constant', 'cosine'),
  totalSteps: number({ least: 0 }),
  minLrRatio: number({ least: 0, most: 1 }),
  numCycles: number(),
  compat: COMPAT,
};

/**
 * The learning rate of a training step.
 *
 *   warm-up: lr step / warmupSteps
 *   cosine:  lr max(m, (1 - m) / 2 cos(2 pi cycles p) + (1 + m) / 2),
 *             p = (step - 1 - warmup) / (total - warmup), at most 1
 *
 * @param step From 1.
 * @throws When there is no such setting or one breaks its rule.
 * @example
 * learningRateAt(2, { learningRate: 1e-3, warmupSteps: 4 }); // 5e-4
 */
export function learningRateAt(step: number, schedule: LearningRateSchedule): number {
  checkOptions('schedule the learning rate', schedule, RULES);
  const { learningRate, warmupSteps = 0, lrSchedule = 'constant', compat = null } = schedule;
  const { totalSteps = 0, minLrRatio: m = 0, numCycles = 0.5 } = schedule;
  const done = step - 1;
  if (done < warmupSteps) {
    return (learningRate * (compat === null ? step : done)) / Math.max(1, warmupSteps);
  }
  if (lrSchedule === 'constant') return learningRate;
  const progress = Math.min(1, (done - warmupSteps) / Math.max(1, totalSteps - warmupSteps));
  const wave = Math.cos(2 * Math.PI * numCycles * progress);
  return learningRate * Math.max(m, ((1 - m) / 2) * wave + (1 + m) / 2);
}

/**
 * `learningRateAt` of a trainer's settings, of which it takes its own.
 *
 * @param step From 1.
 * @param settings Their `steps` are those of the whole schedule.
 * @throws When a setting of the schedule breaks its rule.
 *
 * @example
 * trainedRateAt(2, { learningRate: 1e-3, warmupSteps: 4, steps: 40 }); // 5e-4
 */
export function trainedRateAt(
  step: number,
  settings: Omit<LearningRateSchedule, 'totalSteps'> & { steps: number },
): number {
  return learningRateAt(step, { ...optionsAmong(settings, RULES), totalSteps: settings.steps });
}
