import { z } from 'zod';
import { UPSTREAM_LOSS_DEFAULTS } from '../loss-defaults';
import {
  engineSection,
  OPTIMIZER_WITHOUT_EFFECT,
  profilerSection,
  type ModelEngine,
} from './engine-sections';
import { CORRECTION_DEFAULTS } from './algorithm-schema';
import { follows, shapeWithoutEffect, type Defaults } from './key-notes';

const count = z.number().int().positive();
const fraction = z.number().min(0).max(1);
const ALGORITHM = 'actor_rollout_ref.model.algorithm';

/** Losses that `loss_mode` may name upstream. */
export const LOSS_MODES = [
  'flow_grpo',
  'flow_dppo',
  'grpo_guard',
  'diffusion_nft',
  'dpo',
  'dance_grpo',
  'distill_kl',
  'distill_fm_mse',
];

const lossSchema = z.strictObject({
  loss_mode: follows(z.string().min(1), ALGORITHM, 'flow_grpo'),
  clip_ratio: z.number().nonnegative().default(UPSTREAM_LOSS_DEFAULTS.clip_ratio),
  adv_clip_max: z.number().positive().default(UPSTREAM_LOSS_DEFAULTS.adv_clip_max),
  mix_beta: z.number().positive().default(UPSTREAM_LOSS_DEFAULTS.mix_beta),
  ref_kl_coef: z.number().default(UPSTREAM_LOSS_DEFAULTS.ref_kl_coef),
  adaptive_weight_min: z.number().positive().default(UPSTREAM_LOSS_DEFAULTS.adaptive_weight_min),
  dpo_beta: z.number().default(UPSTREAM_LOSS_DEFAULTS.dpo_beta),
  kl_mask_threshold: z.number().positive().default(UPSTREAM_LOSS_DEFAULTS.kl_mask_threshold),
  add_kl_coefficient: z.boolean().default(UPSTREAM_LOSS_DEFAULTS.add_kl_coefficient),
});

/** What upstream's first engine alone can do: its cosine falls to a share of the rate, in waves. */
const cosine = {
  min_lr_ratio: fraction.default(0),
  num_cycles: z.number().default(0.5),
};

/** AdamW and its learning rate: verl-omni's `actor.optim`. */
function optimizerSchema(engine: ModelEngine) {
  const isDefault = engine === 'dp_diffusion';
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
      .enum(isDefault ? ['constant', 'cosine'] : ['constant', 'cosine', 'linear'])
      .default('constant'),
    ...((isDefault ? cosine : {}) as typeof cosine),
    ...shapeWithoutEffect(OPTIMIZER_WITHOUT_EFFECT[engine]),
  });
}

const FOLLOWED_CORRECTION: Defaults = Object.fromEntries(
  Object.entries(CORRECTION_DEFAULTS).map(([key, value]) => [
    key,
    `\${oc.select:algorithm.rollout_correction.${key},${value}}`,
  ]),
);

/** What trains: verl-omni's `actor_rollout_ref.actor`. */
export function actorSchema(engine: ModelEngine) {
  return z.strictObject({
    optim: optimizerSchema(engine).prefault({}),
    diffusion_loss: lossSchema.prefault({}),
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
      // What `algorithm.rollout_correction` says goes for all of training.
      rollout_correction: FOLLOWED_CORRECTION,
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
