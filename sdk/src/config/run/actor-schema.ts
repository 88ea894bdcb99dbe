import { z } from 'zod';
import {
  engineSection,
  OPTIMIZER_WITHOUT_EFFECT,
  profilerSection,
  type ModelEngine,
} from './engine-sections';
import { follows, shapeWithoutEffect, withDefaults, type Defaults } from './key-notes';

const count = z.number().int().positive();
const fraction = z.number().min(0).max(1);
const ALGORITHM = 'actor_rollout_ref.model.algorithm';

/** Losses that `loss_mode` may name; registering one adds it. */
export const lossModes = new Set([
  'flow_grpo',
  'flow_dppo',
  'grpo_guard',
  'diffusion_nft',
  'dpo',
  'dance_grpo',
  'distill_kl',
  'distill_fm_mse',
]);

const lossSchema = z.strictObject({
  loss_mode: follows(z.string().min(1), ALGORITHM, 'flow_grpo'),
  clip_ratio: z.number().nonnegative().default(1e-4),
  adv_clip_max: z.number().positive().default(5),
  mix_beta: z.number().positive().default(0.5),
  ref_kl_coef: z.number().default(0),
  adaptive_weight_min: z.number().positive().default(1e-5),
  dpo_beta: z.number().default(2000),
  kl_mask_threshold: z.number().positive().default(1e-5),
  add_kl_coefficient: z.boolean().default(true),
});

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

/** verl-omni's `rollout_correction`, here or followed from the algorithm's section. */
export function rolloutCorrectionSchema(followed?: string) {
  return z.strictObject(
    withDefaults(
      correctionKeys,
      {
        bypass_mode: false,
        loss_type: 'ppo_clip',
        rollout_is: null,
        rollout_is_threshold: 2,
        rollout_is_batch_normalize: false,
        rollout_rs: null,
        rollout_rs_threshold: null,
      },
      followed,
    ),
  );
}

/** AdamW and its learning rate: verl-omni's `actor.optim`. */
function optimizerSchema(engine: ModelEngine) {
  return z.strictObject({
    lr: z.number().nonnegative().default(1e-6),
    lr_warmup_steps_ratio: fraction.default(0),
    /** Steps over which the rate rises; below 0, the ratio of all steps counts. */
    lr_warmup_steps: z.number().int().default(-1),
    weight_decay: z.number().nonnegative().default(0.01),
    betas: z.tuple([fraction, fraction]).default([0.9, 0.999]),
    /** Longest gradient; longer ones are scaled down. */
    clip_grad: z.number().positive().default(1),
    lr_scheduler_type: z
      .enum(['constant', 'cosine', ...(engine === 'veomni_diffusion' ? ['linear'] : [])])
      .default('constant'),
    ...shapeWithoutEffect(OPTIMIZER_WITHOUT_EFFECT[engine]),
  });
}

/** What trains: verl-omni's `actor_rollout_ref.actor`. */
export function actorSchema(engine: ModelEngine) {
  return z.strictObject({
    optim: optimizerSchema(engine).prefault({}),
    diffusion_loss: lossSchema.prefault({}),
    rollout_correction: rolloutCorrectionSchema('algorithm.rollout_correction').prefault({}),
    /** Prompts for each update of the weights. */
    ppo_mini_batch_size: count.default(256),
    /** Pictures that go through the model at once; null for all of a mini-batch. */
    ppo_micro_batch_size_per_gpu: count.nullable().default(null),
    ppo_epochs: count.default(1),
    use_kl_loss: z.boolean().default(false),
    kl_loss_coef: z.number().default(0.001),
    use_distill_loss: z.boolean().default(false),
    distill_loss_mode: z.enum(['distill_kl', 'distill_fm_mse']).default('distill_kl'),
    distill_loss_coef: z.number().default(1),
    shuffle: z.boolean().default(false),
    data_loader_seed: z.number().int().default(42),
    ...shapeWithoutEffect({
      strategy: engine === 'dp_diffusion' ? 'fsdp' : 'veomni',
      rollout_n: '${oc.select:actor_rollout_ref.rollout.n,1}',
      loss_scale_factor: null,
      checkpoint: {
        save_contents: ['model', 'optimizer', 'extra'],
        load_contents: '${.save_contents}',
        async_save: false,
      },
      log_prob_micro_batch_size_per_gpu: null,
      ...(engine === 'dp_diffusion' ? { grad_clip: 1 } : {}),
      ...engineSection(engine, false),
      profiler: profilerSection(),
    }),
  });
}

/** The reference model, which is placed by itself upstream: verl-omni's `actor_rollout_ref.ref`. */
export function refSection(engine: ModelEngine): Defaults {
  return {
    rollout_n: '${oc.select:actor_rollout_ref.rollout.n,1}',
    strategy: engine === 'dp_diffusion' ? '${actor_rollout_ref.actor.strategy}' : 'veomni',
    log_prob_micro_batch_size_per_gpu: null,
    ...engineSection(engine, true),
    ...(engine === 'veomni_diffusion'
      ? {
          optim: {
            ...OPTIMIZER_WITHOUT_EFFECT.veomni_diffusion,
            lr: 0.001,
            lr_warmup_steps_ratio: 0,
            weight_decay: 0.01,
            betas: [0.9, 0.999],
            clip_grad: 1,
            lr_scheduler_type: 'constant',
          },
        }
      : {}),
    profiler: profilerSection(),
  };
}
