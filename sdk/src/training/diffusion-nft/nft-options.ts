import type { AdvantageMode } from '../../advantages';
import {
  flowGRPOSettings,
  type FlowGRPOOptions,
  type FlowGRPOSettings,
} from '../flow-grpo-options';
import { withoutRunOptions, type RunOptions } from '../run/run-options';
import type { RolloutReport, UpdateReport } from '../step-report';
import type { OldPolicySchedule } from './old-policy-decay';

/** Options that objectives on noised data share with FlowGRPO. */
export type RolloutTrainingOptions = Pick<
  FlowGRPOOptions,
  | 'prompts'
  | 'reward'
  | 'rewardNormalization'
  | 'onRewardFailure'
  | 'rewardTimeoutMs'
  | 'monitors'
  | 'steps'
  | 'promptsPerStep'
  | 'groupSize'
  | 'promptWeights'
  | 'promptPriority'
  | 'rolloutWorkers'
  | 'maxStaleness'
  | 'learningRate'
  | 'warmupSteps'
  | 'lrSchedule'
  | 'minLrRatio'
  | 'numCycles'
  | 'betas'
  | 'weightDecay'
  | 'maxGradNorm'
  | 'numInferenceSteps'
  | 'trueCfgScale'
  | 'guidanceScale'
  | 'negativePrompt'
  | 'microBatchSize'
  | 'compile'
  | 'lora'
  | 'ema'
  | 'evaluation'
  | 'onNotFinite'
  | 'seed'
  | 'compat'
>;

/** What a step of DiffusionNFT says of itself. */
export interface NftStepReport extends RolloutReport, UpdateReport {
  /** The decay that the old policy was moved with, or null at steps that leave it alone. */
  oldPolicyDecay: number | null;
}

/** Options of `trainDiffusionNFT`. Only `prompts` and `reward` are required; those of FlowGRPO have its defaults. */
export interface DiffusionNFTOptions
  extends
    RolloutTrainingOptions,
    Pick<
      FlowGRPOOptions,
      | 'advClipMax'
      | 'advEstimator'
      | 'globalStd'
      | 'normAdvByStdInGrpo'
      | 'ppoEpochs'
      | 'miniBatchSize'
      | 'shuffle'
      | 'dataLoaderSeed'
    >,
    RunOptions<NftStepReport> {
  /** beta: how far the implicit good and bad policies lie from the old one. Default 0.5. */
  mixBeta?: number;
  /** Weight of the distance to the reference: the model without its adapters, or as it was at first. Default 0. */
  refKlCoef?: number;
  /** Least value of the adaptive weight. Default 1e-5. */
  adaptiveWeightMin?: number;
  /** Which advantages count. Default 'continuous'. */
  advMode?: AdvantageMode;
  /** Share of the rollout's times that a picture is trained at. Default 1. */
  timestepFraction?: number;
  /** How slowly the old policy, which rolls out, follows the trained one. Default 'copy'. */
  oldPolicySchedule?: OldPolicySchedule;
  /** Steps between two moves of the old policy. Default 1. */
  oldPolicyUpdateInterval?: number;
}

/** The defaults of `trainDiffusionNFT`'s own options; those that it shares are FlowGRPO's. */
export const DIFFUSION_NFT_DEFAULTS = {
  mixBeta: 0.5,
  refKlCoef: 0,
  adaptiveWeightMin: 1e-5,
  advMode: 'continuous',
  timestepFraction: 1,
  oldPolicySchedule: 'copy',
  oldPolicyUpdateInterval: 1,
} as const satisfies Partial<DiffusionNFTOptions>;

/** The options, complete. */
export type DiffusionNFTSettings = FlowGRPOSettings &
  Required<{ [Key in keyof typeof DIFFUSION_NFT_DEFAULTS]: NonNullable<DiffusionNFTOptions[Key]> }>;

/**
 * Fills in the defaults and checks.
 *
 * @throws When a count is not positive.
 */
export function diffusionNFTSettings(all: DiffusionNFTOptions): DiffusionNFTSettings {
  const options = withoutRunOptions(all);
  const own = Object.keys(DIFFUSION_NFT_DEFAULTS) as (keyof typeof DIFFUSION_NFT_DEFAULTS)[];
  const given = own.filter((name) => options[name] !== undefined);
  const settings: DiffusionNFTSettings = {
    ...flowGRPOSettings(options),
    ...DIFFUSION_NFT_DEFAULTS,
    ...(Object.fromEntries(given.map((name) => [name, options[name]])) as Partial<
      typeof DIFFUSION_NFT_DEFAULTS
    >),
  };
  const { oldPolicyUpdateInterval: interval } = settings;
  if (!Number.isInteger(interval) || interval < 1) {
    throw new Error(
      `Cannot train as oldPolicyUpdateInterval must be a whole number from 1: current value is ${interval}`,
    );
  }
  return settings;
}
