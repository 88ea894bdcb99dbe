import type { FlowMatchSchedule } from '../../schedulers';

/** Times of forward-process training, one a draw. */
export interface TrainingTimes {
  /** sigmoid of the draws. */
  u: Float32Array;
  /** Where in the scheduler's training schedule; its times fall, so a larger draw means less noise. */
  indices: Int32Array;
  /** From 0 to 1000. */
  timesteps: Float32Array;
  /** Share of noise, from 0 to 1. */
  sigmas: Float32Array;
}

/**
 * Maps normal draws to training times, dense in the middle of the schedule (logit-normal,
 * https://arxiv.org/abs/2403.03206, section 3.1): u = sigmoid(draw), index = floor(N u).
 *
 * @param scheduler On its training schedule: `setTimesteps` has not been called.
 * @param draws Standard normal numbers.
 * @throws When the scheduler is on a run's schedule, or a draw is no finite number.
 * @example
 * trainingTimes(new FlowMatchEulerDiscreteScheduler({ shift: 3 }), [0]).indices; // [500]
 */
export function trainingTimes(
  scheduler: FlowMatchSchedule,
  draws: ArrayLike<number>,
): TrainingTimes {
  if (scheduler.numInferenceSteps !== null) {
    throw new Error(
      `Cannot draw training times as the scheduler must be on its training schedule: setTimesteps was called for ${scheduler.numInferenceSteps} steps`,
    );
  }
  const wrong = Array.from(draws).find((draw) => !Number.isFinite(draw));
  if (wrong !== undefined) {
    throw new Error(
      `Cannot draw training times as draws must be finite numbers: current value is ${wrong}`,
    );
  }
  const { timestepValues, sigmaValues } = scheduler;
  const N = timestepValues.length;
  const u = Float32Array.from(draws, (draw) => 1 / (1 + Math.exp(-draw)));
  // u is 1 in float32 from draws of 17 on.
  const indices = Int32Array.from(u, (share) => Math.min(Math.fround(share * N), N - 1));
  return {
    u,
    indices,
    timesteps: Float32Array.from(indices, (index) => timestepValues[index]),
    sigmas: Float32Array.from(indices, (index) => sigmaValues[index]),
  };
}
