import { FlowGRPOTrainer, type FlowGRPOOptions } from '@flowbook/sdk';
import { partialCredit } from './prompts';
import { tinyQwenImage, type FullRecipe } from './recipe';

/** Of FlowGRPO and its relatives. */
export const policyGradientSettings = {
  promptsPerStep: 16,
  promptPriority: {},
  groupSize: 12,
  learningRate: 1.5e-4,
  warmupSteps: 5,
  lrSchedule: 'cosine',
  minLrRatio: 0.1,
  noiseLevel: 0.7,
  sdeWindowSize: 2,
  sdeWindowRange: [0, 5],
  sameInitialNoise: true,
  ema: 0.95,
  microBatchSize: 192,
} as const satisfies Partial<FlowGRPOOptions>;

/** What a recipe of FlowGRPO's family is made from. */
export interface PolicyGradientRecipe {
  number: string;
  name: string;
  /** As a recipe's. */
  comparison?: string;
  steps: number;
  settings: Partial<FlowGRPOOptions> & { noiseLevel: number };
}

/** A full run on all weights of tiny Qwen-Image, with partial credit, by FlowGRPO or a relative that is a matter of settings. */
export function policyGradientRecipe({
  number,
  name,
  comparison,
  steps,
  settings,
}: PolicyGradientRecipe): FullRecipe {
  return {
    number,
    name,
    comparison,
    ...tinyQwenImage('flow_grpo', {
      noise_level: settings.noiseLevel,
      sde_type: settings.sdeType ?? 'sde',
    }),
    steps,
    settings: { ...settings },
    trainer: (pipeline, common) =>
      new FlowGRPOTrainer(pipeline, {
        ...partialCredit(),
        ...settings,
        ...common,
      }),
  };
}
