import { ANYTHING, checkOptions, oneOf, type Rules } from '../../core/option-rules';
import { noisePairs, selectPairs, type PairBatch } from '../../pipelines';
import type { FlowMatchSchedule } from '../../schedulers';
import { tf, type Generator } from '../../tensorflow';
import type { RolloutBatch } from '../rollout-batch';

/** How pairs are made. */
export interface PairsFromRolloutOptions {
  /** The stream that noise and times are drawn from. Default: the default stream. */
  generator?: Generator | null;
  /** 'skip' (default) leaves out pairs of equal scores, whose order means nothing; 'keep' is verl-omni's way. */
  ties?: 'keep' | 'skip';
}

const RULES: Rules<PairsFromRolloutOptions> = {
  generator: ANYTHING,
  ties: oneOf('keep', 'skip'),
};

/**
 * Makes pairs of a rollout for Diffusion-DPO: the best and the worst picture of each group, noised alike.
 *
 * @param batch A rollout with `latents_clean`; stays the caller's.
 * @param rewards One for each picture; one that could not be rated has none that is finite, and is left out.
 * @param scheduler On its training schedule.
 * @returns Pairs without `ref_noise_pred`, whose tensors are the caller's; null when no group has two pictures that differ
 *   in reward.
 * @throws When there is no such option or one breaks its rule, no group has two pictures, the rollout kept no clean latents,
 *   or there is not one reward for each picture.
 * @example
 * const modelConfig = { path: 'datasets/tiny-qwen-image', algorithm: 'dpo', height: 64, width: 64 };
 * const pipeline = QwenImageDPOPipeline.fromPretrained(modelConfig);
 * const batch = await rolloutGroups(pipeline, [{ prompt: 'a red circle' }], { key: RandomKey.fromSeed(1), groupSize: 2 });
 * const pairs = pairsFromRollout(batch, [0.2, 0.9], QwenImageDPO.buildScheduler(modelConfig));
 */
export function pairsFromRollout(
  batch: RolloutBatch,
  rewards: readonly number[],
  scheduler: FlowMatchSchedule,
  options: PairsFromRolloutOptions = {},
): PairBatch | null {
  checkOptions('make pairs of a rollout', options, RULES);
  const { generator = null, ties = 'skip' } = options;
  if (!batch.tensors.latents_clean) {
    throw new Error(
      'Cannot make pairs of a rollout as it must have kept its clean latents: latents_clean is missing',
    );
  }
  if (rewards.length !== batch.size) {
    throw new Error(
      `Cannot make pairs of a rollout as there must be one reward for each of its ${batch.size} pictures: current number is ${rewards.length}`,
    );
  }
  if (new Set(batch.groups).size === batch.size) {
    throw new Error(
      `Cannot make pairs of a rollout as a group must have at least two pictures: there are ${batch.size} groups of one`,
    );
  }
  const rated = rewards.flatMap((reward, row) => (Number.isFinite(reward) ? [row] : []));
  const selected = selectPairs(
    rated.map((row) => batch.groups[row]),
    rated.map((row) => rewards[row]),
    { ties },
  ).map((at) => rated[at]);
  if (selected.length === 0) return null;
  const { all_latents, all_timesteps, train_timesteps, ...kept } = batch.rows(selected);
  const latents_clean = kept.latents_clean as tf.Tensor;
  tf.dispose([all_latents, all_timesteps, train_timesteps as tf.Tensor]);
  return {
    ...kept,
    latents_clean,
    ...noisePairs(latents_clean, scheduler, { generator }),
    sample_level_rewards: tf.tensor1d(selected.map((row) => rewards[row])),
  };
}
