import type { RolloutPipeline } from '@flowbook/sdk';
import { loadSmall } from './run/small-runs';

/** A short training, for what becomes of numbers that are not finite. */
export const NOT_FINITE_OPTIONS = {
  prompts: ['a red fox', 'two cats'],
  reward: 'redness',
  groupSize: 2,
  steps: 3,
  compile: false,
  learningRate: 1e-3,
  onMismatch: 'report',
} as const;

/** Runs `work` with the tiny model, and frees it. */
export async function inPipeline<Result>(
  work: (pipeline: RolloutPipeline) => Promise<Result>,
  algorithm = 'flow_grpo',
): Promise<Result> {
  const pipeline = await loadSmall(algorithm);
  try {
    return await work(pipeline);
  } finally {
    pipeline.dispose();
  }
}
