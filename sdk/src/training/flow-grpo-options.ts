import type { LossConfig } from '../losses';
import type { ModelMixin } from '../pipelines';
import type { PromptRecord, RewardFunction, RewardTerms } from '../rewards';
import { REWARD_TIMEOUT_MS } from '../rewards/score-rewards';
import type { EvaluationOptions } from './evaluation-options';
import type { NotFinitePolicy } from './not-finite';
import type { DistillLossMode } from './policy-loss';
import type { PromptPriorityOptions } from './prompt-priority';
import type { RolloutWorkers } from './rollout-workers';
import type { RolloutCorrectionConfig } from './rollout-correction';
import type { RunOptions } from './run/run-options';
import { STEP_DEFAULTS } from './step-defaults';
import type { StepReport } from './step-report';

/** Adapters to train instead of all weights. */
export interface LoraOptions {
  rank: number;
  /** The adapters' scale is alpha / rank. Default: rank. */
  alpha?: number;
  /** Ends of layer names such as 'to_q'. Default: every linear layer. */
  targetModules?: string | string[];
}

/** Options of `trainFlowGRPO`. Only `prompts` and `reward` are required. */
export interface FlowGRPOOptions extends RunOptions<StepReport> {
  /** What to draw prompts from: texts, or records of a data set. */
  prompts: readonly (string | PromptRecord)[];
  /** A registered reward's name, a function, or several of them by name, with their weights. */
  reward: string | RewardFunction | RewardTerms;
  /** With several rewards: make each comparable, over the batch or the group, before they are weighted. Default: not. */
  rewardNormalization?: 'batch' | 'group' | null;
  /**
   * What becomes of a picture that a reward could not rate. 'drop' (default) does not train on it; 'zero' counts 0 for that
   * reward, verl-omni's way.
   */
  onRewardFailure?: 'drop' | 'zero';
  /**
   * Longest time of one call of a reward, in milliseconds; null: as long as it takes. One that takes longer has failed. Rewards of
   * servers and pools keep to a limit of their own. Default 600000.
   */
  rewardTimeoutMs?: number | null;
  /** Other rewards to report by name; they do not train. One that fails is NaN at that step, and said on stderr once. */
  monitors?: Record<string, string | RewardFunction>;
  /** Steps to train. Default 40. */
  steps?: number;
  /** Prompts a step, all different. Default 12, or as many as there are. */
  promptsPerStep?: number;
  /** Pictures for each prompt, compared with each other. Default 16. */
  groupSize?: number;
  /** How often each prompt is drawn, one number a prompt. Default: equally. */
  promptWeights?: readonly number[] | null;
  /** Draw prompts more often whose pictures still differ in reward; see `PromptPriority`. Default: not. */
  promptPriority?: PromptPriorityOptions | null;
  /** Other programs that roll out, here or on other machines; see `WorkerPool`. Default: this process does. */
  rolloutWorkers?: RolloutWorkers | null;
  /**
   * With workers: roll step s out with the weights of step s - maxStaleness, so that they work on while the weights are
   * updated. FlowGRPO then needs `rolloutCorrection` with `bypass_mode: false`, or `onMismatch: 'report'`. The weights of
   * maxStaleness + 1 steps are kept in memory, this one's among them, and those before it in checkpoints. Default 0.
   */
  maxStaleness?: number;
  /** Default 2e-4. */
  learningRate?: number;
  /** Steps over which the learning rate rises to its value. Default 5. */
  warmupSteps?: number;
  /**
   * 'constant' after the warm-up (default), or 'cosine' down to `minLrRatio`, which the step after the last of `steps` would have,
   * and every one that is asked for beyond has.
   */
  lrSchedule?: 'constant' | 'cosine';
  /** Least learning rate of 'cosine', as a share of it. Default 0. */
  minLrRatio?: number;
  /** Waves of 'cosine'. Default 0.5. */
  numCycles?: number;
  /** AdamW's. Default [0.9, 0.99]. */
  betas?: readonly [number, number];
  /** AdamW's. Default 0. */
  weightDecay?: number;
  /** Longest gradient; longer ones are scaled down. Default 1. */
  maxGradNorm?: number;
  /** Denoising steps of a rollout. Default: the pipeline's configuration. */
  numInferenceSteps?: number;
  /** Scale of Qwen-Image's true classifier-free guidance. Default: the pipeline's configuration. */
  trueCfgScale?: number;
  /** Scale of Stable Diffusion 3's guidance, or of distilled guidance. Default: the pipeline's configuration. */
  guidanceScale?: number | null;
  /** What guidance leads away from. Default ' '. */
  negativePrompt?: string;
  /** eta within the window. Default 0.7. */
  noiseLevel?: number;
  /** 'sde', 'cps' or 'dance_sde'. Default: the pipeline's configuration. */
  sdeType?: string;
  /** Denoising steps that get noise and are trained. Default 2. */
  sdeWindowSize?: number;
  /** Where the window may lie; one is drawn for each step. Default [0, 5]. */
  sdeWindowRange?: readonly [number, number];
  /**
   * MixGRPO: how the window moves with the training step. Default: as the pipeline's configuration says when its algorithm
   * is `mix_grpo`, else the window is drawn at random.
   */
  sampleStrategy?: 'random' | 'progressive' | null;
  /** MixGRPO: training steps that a progressive window stays. Default: the pipeline's configuration. */
  itersPerGroup?: number | null;
  /** MixGRPO: seed of random windows. Default: the pipeline's configuration. */
  sdeWindowSeed?: number | null;
  /** Whether the pictures of a group start from the same noise. Default true. */
  sameInitialNoise?: boolean;
  /**
   * A registered policy loss: 'flow_grpo', 'dance_grpo', 'grpo_guard', 'flow_dppo' or an own one; 'distill_kl' and 'distill_fm_mse' learn
   * from the teacher alone. Default: the one of the pipeline's algorithm where its name is a policy loss, else 'flow_grpo'.
   */
  lossMode?: string;
  /** Further settings of the loss, as Flow-DPPO's `kl_mask_threshold`. Default: the loss's own. */
  lossConfig?: Partial<LossConfig>;
  /** Weight of the distance to the reference: the model without its adapters, or as it was at first. Default 0. */
  klLossCoef?: number;
  /** A model whose steps are to be imitated. Default: none. */
  teacher?: ModelMixin | null;
  /** Weight of the distance to the teacher, beside the loss. Default 1, or 0 where `lossMode` itself is such a distance. */
  distillLossCoef?: number;
  /** How that distance is measured: by means of steps ('distill_kl', default) or by velocities ('distill_fm_mse'). */
  distillLossMode?: DistillLossMode;
  /** verl-omni's `rollout_correction`. Default: none; the rollout's log-probabilities are the old policy's. */
  rolloutCorrection?: Partial<RolloutCorrectionConfig> | null;
  /** How far a ratio may move before its gradient is cut. Default 1e-3. */
  clipRatio?: number;
  /** Advantages are clamped to plus and minus this. Default 5. */
  advClipMax?: number;
  /** A registered advantage estimator. Default: `dance_grpo` with the loss of that name, else `flow_grpo`. */
  advEstimator?: string | null;
  /** Divide advantages by the batch's standard deviation instead of the group's. Default false. */
  globalStd?: boolean;
  /** Divide advantages by a standard deviation at all. Default true. */
  normAdvByStdInGrpo?: boolean;
  /** Passes over a step's pictures. Default 1. */
  ppoEpochs?: number;
  /** Pictures for each update of the weights. Default: all of a step's. */
  miniBatchSize?: number | null;
  /** Deal pictures out to updates in random order. Default true. */
  shuffle?: boolean;
  /** Seed of that order, which is PyTorch's then and the same at every step. Default: it follows from `seed` and the step. */
  dataLoaderSeed?: number | null;
  /**
   * Pictures that go through the model at once; gradients are summed up. 'auto' measures what the first step takes with
   * few, and then takes as many as fit into the free memory: sums are rounded by their order, so that numbers then depend on the
   * machine in their last digits. Default 64.
   */
  microBatchSize?: number | 'auto';
  /** Run the transformer as one compiled graph: a few seconds at first, then faster. Default true. */
  compile?: boolean;
  /**
   * Keep of each block of the transformer its inputs alone, and run it again for its gradient: a forward pass more, less memory,
   * the same gradients. Default null: as the transformer is set, at first not.
   */
  gradientCheckpointing?: boolean | null;
  /**
   * A new adapter `default` to train. Default: none is added; the model's adapters that take part are trained, or without any
   * adapter all weights.
   */
  lora?: LoraOptions | null;
  /** Decay of an exponential mean of the weights, kept beside them. Default: none. */
  ema?: number | null;
  /** Evaluate as training goes, with the mean of the weights where there is one. Default: not. */
  evaluation?: EvaluationOptions | null;
  /** Everything random follows from it. Default 0. */
  seed?: number;
  /** What happens when samples start outside of the clip range, before the first update. Default 'stop'. */
  onMismatch?: 'stop' | 'report';
  /**
   * What becomes of NaN and infinite values in gradients, log-probabilities, weights and the only reward: 'skip' (default) leaves out
   * the update or the picture, 'stop' ends the run, 'rollback' puts everything back to before the step. Weights that a step made so
   * end the run but for 'rollback', and so do five steps in a row none of whose pictures could be rated.
   */
  onNotFinite?: NotFinitePolicy;
  /** 'verl-omni' gives its numbers and defaults where ours differ on purpose. Default null. */
  compat?: 'verl-omni' | null;
}

/** The defaults of `trainFlowGRPO`'s options. */
export const FLOW_GRPO_DEFAULTS = {
  steps: 40,
  groupSize: STEP_DEFAULTS.groupSize,
  learningRate: 2e-4,
  warmupSteps: 5,
  lrSchedule: 'constant',
  minLrRatio: 0,
  numCycles: 0.5,
  betas: [0.9, 0.99],
  weightDecay: 0,
  maxGradNorm: 1,
  negativePrompt: STEP_DEFAULTS.negativePrompt,
  noiseLevel: STEP_DEFAULTS.noiseLevel,
  sdeType: STEP_DEFAULTS.sdeType,
  sdeWindowSize: STEP_DEFAULTS.sdeWindowSize,
  sdeWindowRange: STEP_DEFAULTS.sdeWindowRange,
  sampleStrategy: null,
  itersPerGroup: null,
  sdeWindowSeed: null,
  sameInitialNoise: STEP_DEFAULTS.sameInitialNoise,
  lossMode: 'flow_grpo',
  lossConfig: {},
  klLossCoef: 0,
  teacher: null,
  distillLossCoef: 1,
  distillLossMode: 'distill_kl',
  rolloutCorrection: null,
  rewardNormalization: null,
  onRewardFailure: 'drop',
  rewardTimeoutMs: REWARD_TIMEOUT_MS,
  clipRatio: STEP_DEFAULTS.clipRatio,
  advClipMax: STEP_DEFAULTS.advClipMax,
  advEstimator: null,
  globalStd: false,
  normAdvByStdInGrpo: true,
  ppoEpochs: 1,
  miniBatchSize: null,
  shuffle: true,
  dataLoaderSeed: null,
  microBatchSize: STEP_DEFAULTS.microBatchSize,
  compile: true,
  gradientCheckpointing: null,
  lora: null,
  ema: null,
  evaluation: null,
  seed: 0,
  onMismatch: 'stop',
  onNotFinite: 'skip',
  compat: null,
} as const satisfies Partial<FlowGRPOOptions>;
