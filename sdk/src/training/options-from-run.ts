import type { RunConfig } from '../config';
import { showValue } from '../core/show-value';
import { httpRewardOfVerl, type RewardTerm, type RewardTerms } from '../rewards';
import type { EvaluationOptions } from './evaluation-options';
import type { FlowGRPOOptions } from './flow-grpo-options';
import type { OfflineDPOOptions, OnlineDPOOptions } from './diffusion-dpo/dpo-options';
import type { PreferencePair } from './diffusion-dpo/preference-pairs';
import type { DiffusionNFTOptions } from './diffusion-nft/nft-options';
import { checkMaterials, type RunMaterials } from './run-materials';
import type { RunOptions } from './run/run-options';

export type { RunMaterials };

type Rollout = RunConfig['actor_rollout_ref']['rollout'];

/** Losses of `flowGRPOOptions`. The others have trainers of their own. */
const FORWARD_PROCESS_LOSSES = ['dpo', 'diffusion_nft'];

function refuseUnless(isMet: boolean, key: string, rule: string, value: unknown): void {
  if (isMet) return;
  throw new Error(
    `Cannot train by this configuration as ${key} ${rule}: current value is ${value}`,
  );
}

function requireLoss({ actor_rollout_ref: { actor } }: RunConfig, losses: readonly string[]): void {
  const { loss_mode } = actor.diffusion_loss;
  refuseUnless(
    losses.includes(loss_mode),
    'actor_rollout_ref.actor.diffusion_loss.loss_mode',
    `must be ${losses.join(' or ')}`,
    loss_mode,
  );
}

/** Refuses given samples. */
function requireOwnSamples({ algorithm: { sample_source } }: RunConfig, reason: string): void {
  const rule = `must be online: own rollouts, ${reason}`;
  refuseUnless(sample_source === 'online', 'algorithm.sample_source', rule, sample_source);
}

/** Steps of the run: as many as it says, or its passes over whole batches of the prompts. */
function stepsOf({ trainer, data }: RunConfig, prompts: number): number {
  const perPass = Math.floor(prompts / data.train_batch_size);
  return trainer.total_training_steps ?? trainer.total_epochs * perPass;
}

function rewardOf({ reward }: RunConfig): string | RewardTerms {
  const functions = Object.entries(reward.reward_functions);
  if (functions.length === 0) return reward.custom_reward_function.name;
  return Object.fromEntries(
    functions.map(([key, { name, weight, required, cache, ...own }]) => [
      key,
      { ...(httpRewardOfVerl(own) ?? { reward: name }), weight, required, ...cacheOf(cache) },
    ]),
  );
}

/** How a term's ratings are kept; nothing where they are not. */
function cacheOf(
  cache: RunConfig['reward']['reward_functions'][string]['cache'],
): Pick<RewardTerm, 'cache'> {
  if (cache === undefined || cache === false) return {};
  if (cache === true) return { cache };
  const { most_ratings: mostRatings, ...rest } = cache;
  return { cache: { ...rest, ...(mostRatings !== undefined && { mostRatings }) } };
}

/** Held-out pictures have the rollout's size and no noise between their steps: what says otherwise would not be heeded. */
function requireEvaluable({ val_kwargs: validation, ...rollout }: Rollout): void {
  const section = 'actor_rollout_ref.rollout.val_kwargs';
  for (const key of ['height', 'width', 'max_sequence_length'] as const) {
    refuseUnless(
      validation.pipeline[key] === rollout.pipeline[key],
      `${section}.pipeline.${key}`,
      `must be that of actor_rollout_ref.rollout, ${rollout.pipeline[key]}: held-out pictures are made by the pipeline that is trained`,
      validation.pipeline[key],
    );
  }
  refuseUnless(
    validation.algo.noise_level === 0,
    `${section}.algo.noise_level`,
    'must be 0: held-out pictures are made without noise between their steps',
    validation.algo.noise_level,
  );
  for (const key of [
    'sde_type',
    'sde_window_size',
    'sde_window_range',
    'sample_strategy',
    'iters_per_group',
    'sde_window_seed',
  ] as const) {
    const [own, followed] = [validation.algo[key], rollout.algo[key]].map(showValue);
    refuseUnless(
      own === followed,
      `${section}.algo.${key}`,
      `must be left out, or that of actor_rollout_ref.rollout, ${followed}: held-out pictures are made without noise`,
      own,
    );
  }
}

/** How held-out prompts are evaluated, or null when they are not. */
function evaluationOf(
  { trainer, actor_rollout_ref: { rollout } }: RunConfig,
  prompts: RunMaterials['validationPrompts'],
): EvaluationOptions | null {
  if (!prompts || trainer.test_freq <= 0) return null;
  requireEvaluable(rollout);
  const { n, seed, pipeline } = rollout.val_kwargs;
  return {
    prompts,
    everySteps: trainer.test_freq,
    picturesPerPrompt: n,
    numInferenceSteps: pipeline.num_inference_steps,
    trueCfgScale: pipeline.true_cfg_scale,
    guidanceScale: pipeline.guidance_scale,
    seed,
    beforeTraining: trainer.val_before_train,
    picturesKept: trainer.log_val_generations,
  };
}

/** What the run leaves: a folder where `save_freq` asks for checkpoints, which a run goes on from. */
function runOptions({
  trainer,
}: RunConfig): Pick<RunOptions<unknown>, 'checkpointEverySteps' | 'runDirectory' | 'resume'> {
  const { save_freq, default_local_dir, resume_mode, resume_from_path } = trainer;
  refuseUnless(
    resume_mode !== 'resume_path' || resume_from_path !== null,
    'trainer.resume_from_path',
    'must be a path, as resume_mode is resume_path',
    resume_from_path,
  );
  const resume = { auto: 'auto', disable: false, resume_path: resume_from_path as string };
  return {
    checkpointEverySteps: save_freq > 0 ? save_freq : null,
    ...(save_freq > 0 && { runDirectory: default_local_dir }),
    resume: resume[resume_mode],
  };
}

/** Options that every objective has, without what rolls out. */
function optimizationOptions(run: RunConfig, prompts: number) {
  const { actor, model, rollout } = run.actor_rollout_ref;
  const { optim } = actor;
  const steps = stepsOf(run, prompts);
  const { lr_warmup_steps: warmup, lr_scheduler_type: lrSchedule } = optim;
  refuseUnless(
    lrSchedule === 'constant' || lrSchedule === 'cosine',
    'actor_rollout_ref.actor.optim.lr_scheduler_type',
    'must be constant or cosine',
    lrSchedule,
  );
  return {
    ...runOptions(run),
    steps,
    learningRate: optim.lr,
    warmupSteps: warmup >= 0 ? warmup : Math.trunc(optim.lr_warmup_steps_ratio * steps),
    lrSchedule: lrSchedule as 'constant' | 'cosine',
    minLrRatio: optim.min_lr_ratio,
    numCycles: optim.num_cycles,
    betas: optim.betas,
    weightDecay: optim.weight_decay,
    maxGradNorm: optim.clip_grad,
    ppoEpochs: actor.ppo_epochs,
    microBatchSize: actor.ppo_micro_batch_size_per_gpu ?? undefined,
    gradientCheckpointing: model.enable_gradient_checkpointing,
    lora:
      model.lora_rank === 0
        ? null
        : { rank: model.lora_rank, alpha: model.lora_alpha, targetModules: model.target_modules },
    seed: rollout.seed ?? 0,
    configuration: { run, withoutEffect: run.withoutEffect.filter(({ given }) => given) },
  };
}

/** A rollout and its replay go by one set of settings: a model's own must not be another. */
function requireOneSetting({ actor_rollout_ref: { model, rollout } }: RunConfig): void {
  const settings = [
    [
      'pipeline.num_inference_steps',
      model.pipeline.num_inference_steps,
      rollout.pipeline.num_inference_steps,
    ],
    ['pipeline.height', model.pipeline.height, rollout.pipeline.height],
    ['pipeline.width', model.pipeline.width, rollout.pipeline.width],
    [
      'pipeline.max_sequence_length',
      model.pipeline.max_sequence_length,
      rollout.pipeline.max_sequence_length,
    ],
    ['pipeline.true_cfg_scale', model.pipeline.true_cfg_scale, rollout.pipeline.true_cfg_scale],
    ['pipeline.guidance_scale', model.pipeline.guidance_scale, rollout.pipeline.guidance_scale],
    ['algo.noise_level', model.algo.noise_level, rollout.algo.noise_level],
    ['algo.sde_type', model.algo.sde_type, rollout.algo.sde_type],
  ] as const;
  for (const [key, trained, rolledOut] of settings) {
    refuseUnless(
      trained === rolledOut,
      `actor_rollout_ref.model.${key}`,
      `must be that of actor_rollout_ref.rollout, ${rolledOut}, by which pictures are rolled out`,
      trained,
    );
  }
}

/** Options of what samples its own pictures. */
function rolloutOptions(run: RunConfig, materials: RunMaterials) {
  checkMaterials(materials);
  const { prompts, validationPrompts, reward } = materials;
  requireOneSetting(run);
  const { rollout } = run.actor_rollout_ref;
  return {
    ...optimizationOptions(run, prompts.length),
    prompts,
    reward: reward ?? rewardOf(run),
    promptsPerStep: run.data.train_batch_size,
    groupSize: rollout.n,
    numInferenceSteps: rollout.pipeline.num_inference_steps,
    trueCfgScale: rollout.pipeline.true_cfg_scale,
    guidanceScale: rollout.pipeline.guidance_scale,
    evaluation: evaluationOf(run, validationPrompts),
  };
}

/** Options of what deals pictures out to updates and compares them with their group. */
function groupOptions({ actor_rollout_ref: { actor, rollout }, algorithm }: RunConfig) {
  return {
    advClipMax: actor.diffusion_loss.adv_clip_max,
    globalStd: algorithm.global_std,
    normAdvByStdInGrpo: algorithm.norm_adv_by_std_in_grpo,
    // Upstream counts prompts; each has n pictures.
    miniBatchSize: actor.ppo_mini_batch_size * rollout.n,
    shuffle: actor.shuffle,
    dataLoaderSeed: actor.data_loader_seed,
  };
}

/**
 * The options of `trainFlowGRPO` that a run's configuration stands for: FlowGRPO and its relatives. Pictures of a group start
 * from different noise, as verl-omni's do.
 *
 * @param run From `loadRunConfig`.
 * @param materials The prompts, and what replaces parts of the configuration.
 * @returns Spread it to change an option: `{ ...flowGRPOOptions(run, { prompts }), compat: 'verl-omni' }`. A teacher is not
 *   loaded: give `teacher` there when `distillation.enabled` is true.
 * @throws When the configuration is one of DPO or DiffusionNFT, or asks for what is not offered, by its key.
 * @example
 * const run = loadRunConfig(null, ['actor_rollout_ref.rollout.n=4', 'data.train_batch_size=1']);
 * const options = flowGRPOOptions(run, { prompts: ['a red circle'], reward: 'redness' });
 * options.groupSize; // 4
 */
export function flowGRPOOptions(run: RunConfig, materials: RunMaterials): FlowGRPOOptions {
  const { actor, model, rollout } = run.actor_rollout_ref;
  const { loss_mode, clip_ratio, kl_mask_threshold, add_kl_coefficient } = actor.diffusion_loss;
  refuseUnless(
    !FORWARD_PROCESS_LOSSES.includes(loss_mode),
    'actor_rollout_ref.actor.diffusion_loss.loss_mode',
    'must be a policy gradient for flowGRPOOptions (diffusionNFTOptions and diffusionDPOOptions read the others)',
    loss_mode,
  );
  requireOwnSamples(run, 'which policy gradients learn from');
  const { trainer_type } = run.algorithm;
  refuseUnless(
    trainer_type === 'policy_gradient',
    'algorithm.trainer_type',
    'must be policy_gradient for flowGRPOOptions',
    trainer_type,
  );
  const { algo, pipeline } = rollout;
  const allButLast = Math.max(1, pipeline.num_inference_steps - 1);
  const movesWindow = model.algorithm === 'mix_grpo';
  const { rollout_correction: correction } = run.algorithm;
  const corrects =
    correction.bypass_mode || correction.rollout_is !== null || correction.rollout_rs !== null;
  return {
    ...rolloutOptions(run, materials),
    ...groupOptions(run),
    noiseLevel: algo.noise_level,
    sdeType: algo.sde_type,
    sdeWindowSize: algo.sde_window_size ?? allButLast,
    sdeWindowRange:
      algo.sde_window_size === null ? [0, allButLast] : (algo.sde_window_range ?? [0, 5]),
    sampleStrategy: movesWindow ? algo.sample_strategy : null,
    itersPerGroup: movesWindow ? algo.iters_per_group : null,
    sdeWindowSeed: movesWindow ? algo.sde_window_seed : null,
    sameInitialNoise: false,
    lossMode: loss_mode,
    advEstimator: run.algorithm.adv_estimator,
    clipRatio: clip_ratio,
    lossConfig: { kl_mask_threshold, add_kl_coefficient },
    klLossCoef: actor.use_kl_loss ? actor.kl_loss_coef : 0,
    distillLossCoef: actor.use_distill_loss ? actor.distill_loss_coef : 0,
    distillLossMode: actor.distill_loss_mode,
    rolloutCorrection: corrects ? correction : null,
  };
}

/**
 * The options of DiffusionNFT's training that a run's configuration stands for.
 *
 * @throws When its loss is another, or it asks for what is not offered, by its key.
 *
 * @example
 * const run = loadRunConfig(null, ['actor_rollout_ref.model.algorithm=diffusion_nft', 'algorithm.adv_mode=binary']);
 * diffusionNFTOptions(run, { prompts: ['a red circle'], reward: 'redness' }).advMode; // 'binary'
 */
export function diffusionNFTOptions(run: RunConfig, materials: RunMaterials): DiffusionNFTOptions {
  requireLoss(run, ['diffusion_nft']);
  requireOwnSamples(run, 'which DiffusionNFT learns from');
  const { algorithm } = run;
  const { mix_beta, ref_kl_coef, adaptive_weight_min } = run.actor_rollout_ref.actor.diffusion_loss;
  refuseUnless(
    algorithm.old_policy_decay === null,
    'algorithm.old_policy_decay',
    'must be null (old_policy_decay_schedule says how the old policy follows)',
    algorithm.old_policy_decay,
  );
  return {
    ...rolloutOptions(run, materials),
    ...groupOptions(run),
    mixBeta: mix_beta,
    refKlCoef: ref_kl_coef,
    adaptiveWeightMin: adaptive_weight_min,
    advMode: algorithm.adv_mode,
    timestepFraction: algorithm.timestep_fraction,
    oldPolicySchedule: algorithm.old_policy_decay_schedule,
    oldPolicyUpdateInterval: algorithm.old_policy_update_interval,
  };
}

/**
 * The options of Diffusion-DPO's training on own rollouts that a run's configuration stands for.
 *
 * @throws When its loss is another or its samples are given, or it asks for what is not offered, by its key.
 *
 * @example
 * const run = loadRunConfig(null, [
 *   'actor_rollout_ref.model.algorithm=dpo',
 *   'actor_rollout_ref.actor.diffusion_loss.dpo_beta=500',
 * ]);
 * diffusionDPOOptions(run, { prompts: ['a red circle'], reward: 'redness' }).dpoBeta; // 500
 */
export function diffusionDPOOptions(run: RunConfig, materials: RunMaterials): OnlineDPOOptions {
  requireLoss(run, ['dpo']);
  requireOwnSamples(run, 'as offlineDPOOptions reads given pairs');
  return {
    ...rolloutOptions(run, materials),
    miniBatchSize: run.actor_rollout_ref.actor.ppo_mini_batch_size,
    dpoBeta: run.actor_rollout_ref.actor.diffusion_loss.dpo_beta,
  };
}

/**
 * The options of Diffusion-DPO's training on given pairs that a run's configuration stands for.
 *
 * @param pairs What to learn from: `trainer.total_epochs` counts passes over them.
 * @throws When its loss is another or its samples are made, or it asks for what is not offered, by its key.
 */
export function offlineDPOOptions(
  run: RunConfig,
  pairs: readonly PreferencePair[],
): OfflineDPOOptions {
  requireLoss(run, ['dpo']);
  refuseUnless(
    run.algorithm.sample_source === 'offline',
    'algorithm.sample_source',
    'must be offline (diffusionDPOOptions reads the other)',
    run.algorithm.sample_source,
  );
  const { pipeline } = run.actor_rollout_ref.model;
  return {
    ...optimizationOptions(run, pairs.length),
    pairs,
    trueCfgScale: pipeline.true_cfg_scale,
    guidanceScale: pipeline.guidance_scale,
    pairsPerStep: run.data.train_batch_size,
    miniBatchSize: run.actor_rollout_ref.actor.ppo_mini_batch_size,
    dpoBeta: run.actor_rollout_ref.actor.diffusion_loss.dpo_beta,
  };
}
