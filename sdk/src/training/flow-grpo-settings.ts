import { advantageEstimators } from '../advantages';
import { checkOptions } from '../core/option-rules';
import { withoutUndefined } from '../core/without-undefined';
import { losses } from '../losses';
import type { PromptRecord } from '../rewards';
import { checkRolloutWorkers } from './check-rollout-workers';
import { MOST_MEASURED } from './choose-micro-batch';
import { FLOW_GRPO_DEFAULTS, type FlowGRPOOptions } from './flow-grpo-options';
import { rolloutCorrectionConfig, type RolloutCorrectionConfig } from './rollout-correction';
import { checkLossConfig } from './policy-loss';
import type { RunOptions } from './run/run-options';
import { withoutRunOptions } from './run/run-rules';
import type { StepReport } from './step-report';
import { FLOW_GRPO_RULES } from './training-rules';

/** What verl-omni does by default where the defaults above are other. */
const UPSTREAM_DEFAULTS = {
  onRewardFailure: 'zero',
  shuffle: false,
  dataLoaderSeed: 42,
} as const satisfies Partial<FlowGRPOOptions>;

/** Prompts a step where there are enough. */
const PROMPTS_PER_STEP = 12;

/** The options that say how weights are learned. */
type LearningOptions = Omit<FlowGRPOOptions, keyof RunOptions<StepReport>>;

/** The options, complete. */
export type FlowGRPOSettings = Required<
  Omit<
    LearningOptions,
    | 'prompts'
    | 'numInferenceSteps'
    | 'trueCfgScale'
    | 'guidanceScale'
    | 'rolloutCorrection'
    | 'microBatchSize'
  >
> & {
  prompts: PromptRecord[];
  rolloutCorrection: RolloutCorrectionConfig | null;
  microBatchSize: number;
  /** Why micro-batches have their size: 'given', 'auto' until it is chosen, then the reason in words. */
  microBatchReason: string;
};

/**
 * Checks and fills in the defaults.
 *
 * @param model What the pipeline is configured by, where the options do not say otherwise.
 * @throws When there is no such option or one breaks its rule, the loss is not registered or lacks its teacher, or
 *   `completeSettings` throws.
 */
export function flowGRPOSettings(
  options: FlowGRPOOptions,
  model: { algorithm?: string; sdeType?: string } = {},
): FlowGRPOSettings {
  checkOptions('train', options, FLOW_GRPO_RULES);
  const { algorithm = FLOW_GRPO_DEFAULTS.lossMode, sdeType = FLOW_GRPO_DEFAULTS.sdeType } = model;
  const lossMode = options.lossMode ?? policyLossOf(algorithm);
  const { requiredInputs } = losses.get(lossMode);
  const isDistance = requiredInputs.some((input) => input.startsWith('teacher_'));
  if (isDistance && !options.teacher) {
    throw new Error(
      `Cannot train as teacher must be a model for lossMode "${lossMode}": current value is null`,
    );
  }
  const settings = completeSettings({
    ...options,
    lossMode,
    sdeType: options.sdeType ?? sdeType,
    distillLossCoef: options.distillLossCoef ?? (isDistance ? 0 : undefined),
  });
  checkLossConfig('train', settings.lossConfig, settings);
  return settings;
}

/** The policy loss that has an algorithm's name: one that learns from log-probabilities. Else FlowGRPO's. */
function policyLossOf(algorithm: string): string {
  const isPolicyLoss = losses.find(algorithm)?.requiredInputs.includes('log_probs');
  return isPolicyLoss ? algorithm : FLOW_GRPO_DEFAULTS.lossMode;
}

/**
 * Fills in the defaults of options that are checked one by one, those of other trainers too.
 *
 * @throws When the advantage estimator is not registered, rollout correction does not go with the loss, or rollouts over
 *   workers with other options.
 */
export function completeSettings(
  options: LearningOptions & Partial<RunOptions<never>>,
): FlowGRPOSettings {
  const prompts = options.prompts.map((prompt): PromptRecord =>
    typeof prompt === 'string' ? { prompt } : prompt,
  );
  const given = withoutUndefined(withoutRunOptions(options)) as LearningOptions;
  const settings: FlowGRPOSettings = {
    monitors: {},
    promptsPerStep: Math.min(PROMPTS_PER_STEP, prompts.length),
    promptWeights: null,
    promptPriority: null,
    rolloutWorkers: null,
    maxStaleness: 0,
    ...FLOW_GRPO_DEFAULTS,
    ...(given.compat ? UPSTREAM_DEFAULTS : {}),
    ...given,
    prompts,
    microBatchSize:
      given.microBatchSize === 'auto'
        ? MOST_MEASURED
        : (given.microBatchSize ?? FLOW_GRPO_DEFAULTS.microBatchSize),
    microBatchReason: given.microBatchSize === 'auto' ? 'auto' : 'given',
    rolloutCorrection: given.rolloutCorrection
      ? rolloutCorrectionConfig(given.rolloutCorrection, given.lossMode)
      : null,
  };
  checkRolloutWorkers(settings);
  if (settings.advEstimator !== null) advantageEstimators.get(settings.advEstimator);
  return settings;
}
