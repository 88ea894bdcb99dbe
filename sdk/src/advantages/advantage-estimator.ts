import { Registry } from '../core/registry';
import type { tf } from '../tensorflow';
import { groupAdvantages, type GroupAdvantageOptions } from './group-advantages';

/**
 * Turns rewards into advantages: how much better a sample did than those it is compared with.
 *
 * @param rewards (B, W) or (B) rewards.
 * @param groups B group names: rows with the same one come from the same prompt.
 * @returns (B, W) float32, or (B, 1) without `width`. The caller owns it.
 */
export type AdvantageEstimator = (
  rewards: tf.Tensor | readonly number[],
  groups: readonly (string | number)[],
  options?: GroupAdvantageOptions,
) => tf.Tensor2D;

/** All advantage estimators, by the name that `algorithm.adv_estimator` takes. */
export const advantageEstimators = new Registry<AdvantageEstimator>('advantage estimator');
advantageEstimators.register('flow_grpo', groupAdvantages);
advantageEstimators.register('dance_grpo', (rewards, groups, options) =>
  groupAdvantages(rewards, groups, { ...options, advEstimator: 'dance_grpo' }),
);
