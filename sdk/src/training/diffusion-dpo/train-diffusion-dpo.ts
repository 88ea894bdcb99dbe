import { runOptionsOf } from '../run/run-rules';
import { runTraining, type TrainingResult } from '../run-training';
import type { TrainablePipeline } from '../trainable-pipeline';
import type { OfflineDPOOptions, OnlineDPOOptions } from './dpo-options';
import { OfflineDPOTrainer, type OfflinePipeline } from './offline-dpo-trainer';
import { OnlineDPOTrainer } from './online-dpo-trainer';

/**
 * Trains a pipeline's transformer by Diffusion-DPO (https://arxiv.org/abs/2311.12908) and leaves it trained in place: on
 * pairs that are given (`pairs`), or on pairs of its own rollouts (`prompts` and `reward`).
 *
 * Stops between two updates when the signal is aborted: what was learned until then stays.
 *
 * @param pipeline A rollout pipeline that was loaded for the algorithm `dpo`.
 * @param options What to train on and how.
 * @returns How it ended, with a line a step.
 * @example
 * const pipeline = await loadPipeline('datasets/tiny-qwen-image', { algorithm: 'dpo', height: 64, width: 64 });
 * const { log } = await trainDiffusionDPO(pipeline, { prompts: ['a red circle'], reward: 'redness', steps: 2, groupSize: 4 });
 * log.map((line) => line['rewards/margins']);
 */
export async function trainDiffusionDPO(
  pipeline: TrainablePipeline & OfflinePipeline,
  options: OnlineDPOOptions | OfflineDPOOptions,
): Promise<TrainingResult> {
  if (options.pairs === undefined) {
    const trainer = new OnlineDPOTrainer(pipeline, options);
    try {
      return await runTraining(trainer, runOptionsOf(options));
    } finally {
      trainer.dispose();
    }
  }
  const trainer = new OfflineDPOTrainer(pipeline, options);
  try {
    return await runTraining(trainer, runOptionsOf(options));
  } finally {
    trainer.dispose();
  }
}
