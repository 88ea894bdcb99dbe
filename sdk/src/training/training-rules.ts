import {
  COMPAT,
  FUNCTION,
  keeps,
  listOf,
  number,
  oneOf,
  orNull,
  anyOf,
  required,
  rule,
  section,
  SWITCH,
  TEXT,
  wholeNumber,
  type Rule,
  type Rules,
} from '../core/option-rules';
import { EVALUATION_RULES } from './evaluation-options';
import type { FlowGRPOOptions, LoraOptions } from './flow-grpo-options';
import { NAMED_REWARDS, PROMPTS, REWARDS, STEPS, TIME_LIMIT } from './material-rules';
import { NOT_FINITE_POLICIES } from './not-finite';
import { PRIORITY_RULES } from './prompt-priority';
import { RUN_RULES } from './run/run-rules';

const COUNT = wholeNumber(1);
const WEIGHT = number({ least: 0 });
const SHARE = number({ least: 0, most: 1 });
const DECAY = number({ least: 0, below: 1 });

const LORA_RULES: Rules<LoraOptions> = {
  rank: required(COUNT),
  alpha: number(),
  targetModules: anyOf(TEXT, listOf(TEXT, { words: 'a list of texts' })),
};

/** An object that can do something. */
function objectWith(words: string, method: string): Rule {
  return rule(words, (value) =>
    keeps((value as Record<string, unknown> | null)?.[method], FUNCTION),
  );
}

/** How weights are learned, of every trainer. */
export const LEARNING_RULES = {
  steps: COUNT,
  learningRate: WEIGHT,
  warmupSteps: WEIGHT,
  lrSchedule: oneOf('constant', 'cosine'),
  minLrRatio: SHARE,
  numCycles: number(),
  betas: listOf(DECAY, { length: 2, words: 'a list of two numbers' }),
  weightDecay: WEIGHT,
  maxGradNorm: number({ above: 0, most: Infinity }),
  trueCfgScale: orNull(number()),
  guidanceScale: orNull(number()),
  negativePrompt: TEXT,
  ppoEpochs: COUNT,
  miniBatchSize: orNull(COUNT),
  microBatchSize: orNull(anyOf(COUNT, oneOf('auto'))),
  compile: SWITCH,
  gradientCheckpointing: orNull(SWITCH),
  lora: orNull(section(LORA_RULES)),
  ema: orNull(DECAY),
  evaluation: orNull(section(EVALUATION_RULES)),
  rewardTimeoutMs: orNull(TIME_LIMIT),
  onNotFinite: oneOf(...NOT_FINITE_POLICIES),
  seed: wholeNumber(),
  compat: COMPAT,
} satisfies Partial<Record<keyof FlowGRPOOptions, Rule>>;

/** How own rollouts are made and rated. */
export const ROLLOUT_RULES = {
  prompts: required(PROMPTS),
  reward: required(REWARDS),
  rewardNormalization: orNull(oneOf('batch', 'group')),
  onRewardFailure: oneOf('drop', 'zero'),
  monitors: NAMED_REWARDS,
  promptsPerStep: COUNT,
  groupSize: COUNT,
  promptWeights: orNull(listOf(WEIGHT, { words: 'a list of numbers' })),
  promptPriority: orNull(section(PRIORITY_RULES)),
  rolloutWorkers: orNull(objectWith('rollout workers, as a WorkerPool', 'publish')),
  maxStaleness: wholeNumber(0),
  numInferenceSteps: orNull(COUNT),
} satisfies Partial<Record<keyof FlowGRPOOptions, Rule>>;

/** How pictures are compared with their group and dealt out to updates. */
export const GROUP_RULES = {
  advClipMax: number({ above: 0 }),
  advEstimator: orNull(TEXT),
  globalStd: SWITCH,
  normAdvByStdInGrpo: SWITCH,
  shuffle: SWITCH,
  dataLoaderSeed: orNull(wholeNumber()),
} satisfies Partial<Record<keyof FlowGRPOOptions, Rule>>;

/** What the options of `trainFlowGRPO` must be. */
export const FLOW_GRPO_RULES: Rules<FlowGRPOOptions> = {
  ...RUN_RULES,
  ...LEARNING_RULES,
  ...ROLLOUT_RULES,
  ...GROUP_RULES,
  // Infinity cuts nothing off.
  advClipMax: number({ above: 0, most: Infinity }),
  clipRatio: number({ least: 0, most: Infinity }),
  noiseLevel: WEIGHT,
  sdeType: orNull(TEXT),
  sdeWindowSize: COUNT,
  sdeWindowRange: STEPS,
  sampleStrategy: orNull(oneOf('random', 'progressive')),
  itersPerGroup: orNull(COUNT),
  sdeWindowSeed: orNull(wholeNumber()),
  sameInitialNoise: SWITCH,
  lossMode: TEXT,
  // Of a loss of one's own it may hold others than `LossConfig` knows.
  lossConfig: rule(
    'an object of settings, none of which is NaN',
    (value) =>
      typeof value === 'object' && value !== null && !Object.values(value).some(Number.isNaN),
  ),
  klLossCoef: WEIGHT,
  teacher: orNull(rule('a model', (value) => typeof value === 'object')),
  distillLossCoef: WEIGHT,
  distillLossMode: oneOf('distill_kl', 'distill_fm_mse'),
  rolloutCorrection: orNull(rule('an object of options', (value) => typeof value === 'object')),
  onMismatch: oneOf('stop', 'report'),
};
