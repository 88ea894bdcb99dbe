import type { PromptRecord, RewardFunction } from '../rewards';
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
export interface FlowGRPOOptions {
  /** What to draw prompts from: texts, or records of a data set. */
  prompts: readonly (string | PromptRecord)[];
  /** A registered reward's name, or a function. */
  reward: string | RewardFunction;
  /** Other rewards to report by name; they do not train. */
  monitors?: Record<string, string | RewardFunction>;
  /** Steps to train. Default 40. */
  steps?: number;
  /** Prompts a step, all different. Default 12, or as many as there are. */
  promptsPerStep?: number;
  /** Pictures for each prompt, compared with each other. Default 16. */
  groupSize?: number;
  /** How often each prompt is drawn, one number a prompt. Default: equally. */
  promptWeights?: readonly number[] | null;
  /** Default 2e-4. */
  learningRate?: number;
  /** Steps over which the learning rate rises to its value. Default 5. */
  warmupSteps?: number;
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
  /** Whether the pictures of a group start from the same noise. Default true. */
  sameInitialNoise?: boolean;
  /** How far a ratio may move before its gradient is cut. Default 1e-3. */
  clipRatio?: number;
  /** Advantages are clamped to plus and minus this. Default 5. */
  advClipMax?: number;
  /** Divide advantages by the batch's standard deviation instead of the group's. Default false. */
  globalStd?: boolean;
  /** Passes over a step's pictures. Default 1. */
  ppoEpochs?: number;
  /** Pictures for each update of the weights. Default: all of a step's. */
  miniBatchSize?: number | null;
  /** Pictures that go through the model at once; gradients are summed up. Default 64. */
  microBatchSize?: number;
  /** Run the transformer as one compiled graph: a few seconds at first, then faster. Default true. */
  compile?: boolean;
  /** Adapters to train. Default: none, all weights are trained. */
  lora?: LoraOptions | null;
  /** Decay of an exponential mean of the weights, kept beside them. Default: none. */
  ema?: number | null;
  /** Everything random follows from it. Default 0. */
  seed?: number;
  /** What happens when the replay of a rollout does not give its own log-probabilities. Default 'stop'. */
  onMismatch?: 'stop' | 'report';
  /** Stops the loop. Default: the running cell's signal. */
  signal?: AbortSignal | null;
  /** Called after each step; a promise is waited for. */
  onStep?: ((report: StepReport) => void | Promise<void>) | null;
  /** Where log.jsonl is written. Default: the environment's FLOWBOOK_RUN_DIR; without it, nowhere. */
  runDirectory?: string | null;
}

/** The defaults of `trainFlowGRPO`'s options. */
export const FLOW_GRPO_DEFAULTS = {
  steps: 40,
  groupSize: 16,
  learningRate: 2e-4,
  warmupSteps: 5,
  betas: [0.9, 0.99],
  weightDecay: 0,
  maxGradNorm: 1,
  negativePrompt: ' ',
  noiseLevel: 0.7,
  sdeType: 'sde',
  sdeWindowSize: 2,
  sdeWindowRange: [0, 5],
  sameInitialNoise: true,
  clipRatio: 1e-3,
  advClipMax: 5,
  globalStd: false,
  ppoEpochs: 1,
  miniBatchSize: null,
  microBatchSize: 64,
  compile: true,
  lora: null,
  ema: null,
  seed: 0,
  onMismatch: 'stop',
} as const satisfies Partial<FlowGRPOOptions>;

/** Prompts a step where there are enough. */
const PROMPTS_PER_STEP = 12;

/** The options, complete. */
export type FlowGRPOSettings = Required<
  Omit<
    FlowGRPOOptions,
    | 'prompts'
    | 'numInferenceSteps'
    | 'trueCfgScale'
    | 'guidanceScale'
    | 'signal'
    | 'onStep'
    | 'runDirectory'
  >
> & { prompts: PromptRecord[] };

function requirePositiveInteger(name: string, value: number): void {
  if (!Number.isInteger(value) || value < 1) {
    throw new Error(
      `Cannot train as ${name} must be a whole number from 1: current value is ${value}`,
    );
  }
}

/**
 * Fills in the defaults and checks.
 *
 * @throws When a count is not positive, or there are fewer prompts than a step takes.
 */
export function flowGRPOSettings(options: FlowGRPOOptions): FlowGRPOSettings {
  const prompts = options.prompts.map((prompt): PromptRecord =>
    typeof prompt === 'string' ? { prompt } : prompt,
  );
  const given = Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as FlowGRPOOptions;
  const settings: FlowGRPOSettings = {
    monitors: {},
    promptsPerStep: Math.min(PROMPTS_PER_STEP, prompts.length),
    promptWeights: null,
    ...FLOW_GRPO_DEFAULTS,
    ...given,
    prompts,
  };
  for (const name of [
    'steps',
    'promptsPerStep',
    'groupSize',
    'sdeWindowSize',
    'ppoEpochs',
    'microBatchSize',
  ] as const) {
    requirePositiveInteger(name, settings[name]);
  }
  if (settings.miniBatchSize !== null) {
    requirePositiveInteger('miniBatchSize', settings.miniBatchSize);
  }
  return settings;
}
