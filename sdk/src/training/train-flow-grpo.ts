import type { FlowGRPOOptions } from './flow-grpo-options';
import { FlowGRPOTrainer } from './flow-grpo-trainer';
import type { RunOptions } from './run/run-options';
import { runOptionsOf } from './run/run-rules';
import { runTraining, type TrainingResult } from './run-training';
import type { StepReport } from './step-report';
import type { TrainablePipeline } from './trainable-pipeline';

/**
 * Trains a pipeline's transformer by FlowGRPO and leaves it trained in place.
 *
 * Stops between two updates when the signal is aborted (the interrupt button, in a notebook): what was
 * learned until then stays.
 *
 * @param pipeline A loaded rollout pipeline.
 * @param options What to train on and how; only `prompts` and `reward` are required.
 * @returns How it ended, with a line a step.
 * @example
 * const { log } = await trainFlowGRPO(pipeline, { prompts: ['a red circle'], reward: 'redness', steps: 2, groupSize: 4 });
 * log.map(({ reward }) => reward);
 */
export async function trainFlowGRPO(
  pipeline: TrainablePipeline,
  options: FlowGRPOOptions,
): Promise<TrainingResult> {
  const trainer = new FlowGRPOTrainer(pipeline, options);
  try {
    return await runFlowGRPO(trainer, runOptionsOf(options));
  } finally {
    trainer.dispose();
  }
}

/** Runs a trainer that stays the caller's: it can be asked for more steps afterwards. */
export function runFlowGRPO(
  trainer: FlowGRPOTrainer,
  options: RunOptions<StepReport> & { steps?: number } = {},
): Promise<TrainingResult> {
  return runTraining(trainer, options);
}
