import type { FlowGRPOOptions } from '@flowbook/sdk';
import { policyGradientRecipe } from './policy-gradient';

export const flowGRPOSettings = {
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

/** 01: FlowGRPO. */
export const flowGRPO = policyGradientRecipe({
  number: '01',
  name: 'flow-grpo',
  steps: 600,
  settings: flowGRPOSettings,
});
