import { z } from 'zod';
import { rolloutCorrectionSchema } from './actor-schema';
import { follows } from './key-notes';

/** Advantages that `adv_estimator` may name. */
export const ADVANTAGE_ESTIMATORS = ['flow_grpo', 'dance_grpo'];

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
  paired_preference: z.boolean().default(false),
  rollout_correction: rolloutCorrectionSchema().prefault({}),
});
