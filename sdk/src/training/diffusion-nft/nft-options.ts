import { ADVANTAGE_MODES, type AdvantageMode } from '../../advantages';
import {
  anyOf,
  checkOptions,
  number,
  oneOf,
  wholeNumber,
  type Rules,
} from '../../core/option-rules';
import { LOSS_DEFAULTS } from '../../losses/loss-config';
import type { FlowGRPOOptions } from '../flow-grpo-options';
import { completeSettings, type FlowGRPOSettings } from '../flow-grpo-settings';
import type { RunOptions } from '../run/run-options';
import { RUN_RULES, withoutRunOptions } from '../run/run-rules';
import type { RolloutReport, UpdateReport } from '../step-report';
import { GROUP_RULES, LEARNING_RULES, ROLLOUT_RULES } from '../training-rules';
import { OLD_POLICY_SCHEDULES, type OldPolicySchedule } from './old-policy-decay';

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
  | 'gradientCheckpointing'
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
  mixBeta: LOSS_DEFAULTS.mix_beta,
  refKlCoef: LOSS_DEFAULTS.ref_kl_coef,
  adaptiveWeightMin: LOSS_DEFAULTS.adaptive_weight_min,
  advMode: 'continuous',
  timestepFraction: 1,
  oldPolicySchedule: 'copy',
  oldPolicyUpdateInterval: 1,
} as const satisfies Partial<DiffusionNFTOptions>;

/** The options, complete. */
export type DiffusionNFTSettings = FlowGRPOSettings &
  Required<{ [Key in keyof typeof DIFFUSION_NFT_DEFAULTS]: NonNullable<DiffusionNFTOptions[Key]> }>;

/** What the options of `trainDiffusionNFT` must be. */
const RULES: Rules<DiffusionNFTOptions> = {
  ...RUN_RULES,
  ...LEARNING_RULES,
  ...ROLLOUT_RULES,
  ...GROUP_RULES,
  mixBeta: number({ above: 0 }),
  refKlCoef: number({ least: 0 }),
  adaptiveWeightMin: number({ least: 0 }),
  advMode: oneOf(...ADVANTAGE_MODES),
  timestepFraction: number({ above: 0, most: 1 }),
  oldPolicySchedule: anyOf(oneOf(...OLD_POLICY_SCHEDULES), number({ least: 0, below: 1 })),
  oldPolicyUpdateInterval: wholeNumber(1),
};

/**
 * Checks and fills in the defaults.
 *
 * @throws When there is no such option or one breaks its rule, and as `completeSettings`.
 */
export function diffusionNFTSettings(all: DiffusionNFTOptions): DiffusionNFTSettings {
  checkOptions('train', all, RULES);
  const options = withoutRunOptions(all);
  const own = Object.keys(DIFFUSION_NFT_DEFAULTS) as (keyof typeof DIFFUSION_NFT_DEFAULTS)[];
  const given = own.filter((name) => options[name] !== undefined);
  return {
    ...completeSettings(options),
    ...DIFFUSION_NFT_DEFAULTS,
    ...(Object.fromEntries(given.map((name) => [name, options[name]])) as Partial<
      typeof DIFFUSION_NFT_DEFAULTS
    >),
  };
}
