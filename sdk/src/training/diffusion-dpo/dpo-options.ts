import {
  checkOptions,
  keeps,
  number,
  orNull,
  required,
  rule,
  wholeNumber,
  type Rules,
} from '../../core/option-rules';
import { LOSS_DEFAULTS } from '../../losses/loss-config';
import type { FlowGRPOOptions } from '../flow-grpo-options';
import { completeSettings, type FlowGRPOSettings } from '../flow-grpo-settings';
import type { EvaluationReport } from '../evaluate-policy';
import type { RolloutTrainingOptions } from '../diffusion-nft/nft-options';
import type { RunOptions } from '../run/run-options';
import { RUN_RULES, withoutRunOptions } from '../run/run-rules';
import type { RolloutReport, UpdateReport } from '../step-report';
import { LEARNING_RULES, ROLLOUT_RULES } from '../training-rules';
import { PAIRS } from './pair-rules';
import type { PreferencePair } from './preference-pairs';

/** What a step of online Diffusion-DPO says of itself. */
export interface DpoStepReport extends RolloutReport, UpdateReport {
  /** Pairs that were learned from. */
  pairs: number;
}

/** What a step of offline Diffusion-DPO says of itself. */
export interface OfflineDpoStepReport extends UpdateReport {
  /** From 1. */
  step: number;
  /** Since the training began. */
  seconds: number;
  /** Pairs that were learned from. */
  pairs: number;
  /** null at steps without an evaluation. */
  evaluation: EvaluationReport | null;
}

/** Options that both ways share. */
export interface DpoObjectiveOptions extends Pick<FlowGRPOOptions, 'ppoEpochs'> {
  /** beta: how closely the model is held to the reference. Default 2000. */
  dpoBeta?: number;
  /** Pairs for each update of the weights, in the order in which they were drawn. Default: all of a step's. */
  miniBatchSize?: number | null;
}

/** Options of `trainDiffusionDPO` on own rollouts. Only `prompts` and `reward` are required. */
export interface OnlineDPOOptions
  extends RolloutTrainingOptions, DpoObjectiveOptions, RunOptions<DpoStepReport> {
  pairs?: undefined;
}

/** Options of `trainDiffusionDPO` on pairs that are there. Only `pairs` is required. */
export interface OfflineDPOOptions
  extends
    Pick<
      FlowGRPOOptions,
      | 'steps'
      | 'learningRate'
      | 'warmupSteps'
      | 'lrSchedule'
      | 'minLrRatio'
      | 'numCycles'
      | 'betas'
      | 'weightDecay'
      | 'maxGradNorm'
      | 'trueCfgScale'
      | 'guidanceScale'
      | 'negativePrompt'
      | 'microBatchSize'
      | 'compile'
      | 'gradientCheckpointing'
      | 'lora'
      | 'ema'
      | 'evaluation'
      | 'rewardTimeoutMs'
      | 'onNotFinite'
      | 'seed'
      | 'compat'
    >,
    DpoObjectiveOptions,
    RunOptions<OfflineDpoStepReport> {
  /** What to learn from; tensors stay the caller's. */
  pairs: readonly PreferencePair[];
  /** Pairs a step, all different. Default 12, or as many as there are. */
  pairsPerStep?: number;
}

const OBJECTIVE_RULES = { dpoBeta: orNull(number({ above: 0 })) };

const ONLINE_RULES: Rules<OnlineDPOOptions> = {
  ...RUN_RULES,
  ...LEARNING_RULES,
  ...ROLLOUT_RULES,
  ...OBJECTIVE_RULES,
  groupSize: rule('a whole number from 2, to compare pictures of a prompt', (value) =>
    keeps(value, wholeNumber(2)),
  ),
  pairs: rule('left out with prompts', () => false),
};

const OFFLINE_RULES: Rules<OfflineDPOOptions> = {
  ...RUN_RULES,
  ...LEARNING_RULES,
  ...OBJECTIVE_RULES,
  pairs: required(PAIRS),
  pairsPerStep: wholeNumber(1),
};

/** The options of own rollouts, complete. */
export type OnlineDPOSettings = FlowGRPOSettings & { dpoBeta: number };

/**
 * Checks and fills in the defaults.
 *
 * @throws When there is no such option or one breaks its rule, and as `completeSettings`.
 */
export function onlineDPOSettings(all: OnlineDPOOptions): OnlineDPOSettings {
  checkOptions('train', all, ONLINE_RULES);
  const options = withoutRunOptions(all);
  return { ...completeSettings(options), dpoBeta: options.dpoBeta ?? LOSS_DEFAULTS.dpo_beta };
}

/** The options of given pairs, complete. */
export type OfflineDPOSettings = Omit<FlowGRPOSettings, 'prompts'> & {
  dpoBeta: number;
  pairs: readonly PreferencePair[];
  pairsPerStep: number;
};

/**
 * Checks and fills in the defaults.
 *
 * @throws When there is no such option or one breaks its rule, and as `completeSettings`.
 */
export function offlineDPOSettings(all: OfflineDPOOptions): OfflineDPOSettings {
  checkOptions('train', all, OFFLINE_RULES);
  const { pairs, pairsPerStep, ...options } = withoutRunOptions(all);
  if (options.evaluation && (options.evaluation.reward ?? null) === null) {
    throw new Error(
      `Cannot evaluate a training on pairs as evaluation.reward must say what rates pictures: current value is ${options.evaluation.reward}`,
    );
  }
  const { prompts, ...settings } = completeSettings({
    ...options,
    prompts: pairs.map(({ prompt }) => prompt),
    promptsPerStep: pairsPerStep,
    reward: 'none',
  });
  return {
    ...settings,
    pairs,
    pairsPerStep: Math.min(settings.promptsPerStep, prompts.length),
    dpoBeta: options.dpoBeta ?? LOSS_DEFAULTS.dpo_beta,
  };
}
