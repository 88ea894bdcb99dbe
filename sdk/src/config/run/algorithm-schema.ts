import { z } from 'zod';
import { follows, shapeWithoutEffect, withDefaults } from './key-notes';

/** Advantages that `adv_estimator` may name upstream. */
export const ADVANTAGE_ESTIMATORS = ['flow_grpo', 'dance_grpo'];

const correctionKeys = {
  /** Take the rollout's own log-probabilities as the old ones. */
  bypass_mode: z.boolean(),
  loss_type: z.literal('ppo_clip'),
  /** How importance weights are put together: null for none. */
  rollout_is: z.enum(['token', 'sequence']).nullable(),
  rollout_is_threshold: z.union([z.number().positive(), z.string().min(1)]),
  rollout_is_batch_normalize: z.boolean(),
  /** Rejection modes, comma-separated: null for none. */
  rollout_rs: z.string().nullable(),
  rollout_rs_threshold: z.union([z.number(), z.string()]).nullable(),
};

export const CORRECTION_DEFAULTS = {
  bypass_mode: false,
  loss_type: 'ppo_clip',
  rollout_is: null,
  rollout_is_threshold: 2,
  rollout_is_batch_normalize: false,
  rollout_rs: null,
  rollout_rs_threshold: null,
} as const;

/** How rewards become a direction: verl-omni's `algorithm`. */
export const algorithmSchema = z.strictObject({
  /** `policy_gradient` for FlowGRPO and its kin; `direct_preference` for DPO and DiffusionNFT. */
  trainer_type: z.enum(['policy_gradient', 'direct_preference']).default('policy_gradient'),
  /** Whether samples are made or given. */
  sample_source: z.enum(['online', 'offline']).default('online'),
  adv_estimator: follows(z.string().min(1), 'actor_rollout_ref.model.algorithm', 'flow_grpo'),
  norm_adv_by_std_in_grpo: z.boolean().default(true),
  global_std: z.boolean().default(true),
  old_policy_decay_schedule: z
    .enum(['copy', 'linear_to_0_5', 'delayed_linear_to_0_999'])
    .default('copy'),
  old_policy_decay: z.number().min(0).max(1).nullable().default(null),
  old_policy_update_interval: z.number().int().positive().default(1),
  timestep_fraction: z.number().gt(0).max(1).default(1),
  adv_mode: z
    .enum(['continuous', 'positive_only', 'negative_only', 'one_only', 'binary'])
    .default('continuous'),
  rollout_correction: z
    .strictObject(withDefaults(correctionKeys, CORRECTION_DEFAULTS))
    .prefault({}),
  // Upstream counts twice the rows then; pairs are pairs here.
  ...shapeWithoutEffect({ paired_preference: false }),
});
