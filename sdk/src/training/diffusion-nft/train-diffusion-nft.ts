import { runOptionsOf } from '../run/run-rules';
import { runTraining, type TrainingResult } from '../run-training';
import type { TrainablePipeline } from '../trainable-pipeline';
import type { DiffusionNFTOptions } from './nft-options';
import { DiffusionNFTTrainer } from './nft-trainer';

/**
 * Trains a pipeline's transformer by DiffusionNFT (https://arxiv.org/abs/2509.16117) and leaves it trained in place.
 *
 * Stops between two updates when the signal is aborted: what was learned until then stays.
 *
 * @param pipeline A rollout pipeline that was loaded for the algorithm `diffusion_nft`.
 * @param options What to train on and how; only `prompts` and `reward` are required.
 * @returns How it ended, with a line a step.
 * @example
 * const pipeline = await loadPipeline('datasets/tiny-qwen-image', { algorithm: 'diffusion_nft', height: 64, width: 64 });
 * const { log } = await trainDiffusionNFT(pipeline, { prompts: ['a red circle'], reward: 'redness', steps: 2, groupSize: 4 });
 * log.map(({ reward }) => reward);
 */
export async function trainDiffusionNFT(
  pipeline: TrainablePipeline,
  options: DiffusionNFTOptions,
): Promise<TrainingResult> {
  const trainer = new DiffusionNFTTrainer(pipeline, options);
  try {
    return await runTraining(trainer, runOptionsOf(options));
  } finally {
    trainer.dispose();
  }
}
