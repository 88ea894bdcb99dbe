import {
  flowGRPOSettings,
  type FlowGRPOOptions,
  type FlowGRPOSettings,
} from '../flow-grpo-options';
import type { EvaluationReport } from '../evaluate-policy';
import type { RolloutTrainingOptions } from '../diffusion-nft/nft-options';
import { withoutRunOptions, type RunOptions } from '../run/run-options';
import type { RolloutReport, UpdateReport } from '../step-report';
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

/** beta where it is not said: verl-omni's. */
export const DPO_BETA = 2000;

/** The options of own rollouts, complete. */
export type OnlineDPOSettings = FlowGRPOSettings & { dpoBeta: number };

/**
 * Fills in the defaults and checks.
 *
 * @throws When a count is not positive, or a group has no two pictures to compare.
 */
export function onlineDPOSettings(all: OnlineDPOOptions): OnlineDPOSettings {
  const options = withoutRunOptions(all);
  const settings = { ...flowGRPOSettings(options), dpoBeta: options.dpoBeta ?? DPO_BETA };
  if (settings.groupSize < 2) {
    throw new Error(
      `Cannot train as groupSize must be at least 2, to compare pictures of a prompt: current value is ${settings.groupSize}`,
    );
  }
  return settings;
}

/** The options of given pairs, complete. */
export type OfflineDPOSettings = Omit<FlowGRPOSettings, 'prompts'> & {
  dpoBeta: number;
  pairs: readonly PreferencePair[];
  pairsPerStep: number;
};

/**
 * Fills in the defaults and checks.
 *
 * @throws When there are no pairs, or a count is not positive.
 */
export function offlineDPOSettings(all: OfflineDPOOptions): OfflineDPOSettings {
  const { pairs, pairsPerStep, ...options } = withoutRunOptions(all);
  if (options.evaluation && options.evaluation.reward === undefined) {
    throw new Error(
      'Cannot evaluate a training on pairs as evaluation.reward must say what rates pictures: current value is undefined',
    );
  }
  const { prompts, ...settings } = flowGRPOSettings({
    ...options,
    prompts: pairs.map(({ prompt }) => prompt),
    promptsPerStep: pairsPerStep,
    reward: 'none',
  });
  return {
    ...settings,
    pairs,
    pairsPerStep: Math.min(settings.promptsPerStep, prompts.length),
    dpoBeta: options.dpoBeta ?? DPO_BETA,
  };
}
