import type { FlowGRPOOptions } from '@flowbook/sdk';
import { policyGradientRecipe, policyGradientSettings } from './policy-gradient';

/** Twice FlowGRPO's learning rate, and four updates a rollout, so that ratios leave 1. */
export const grpoGuardSettings = {
  ...policyGradientSettings,
  lossMode: 'grpo_guard',
  learningRate: 3e-4,
  ppoEpochs: 2,
  miniBatchSize: 96,
  microBatchSize: 96,
  clipRatio: 5e-4,
} as const satisfies Partial<FlowGRPOOptions>;

/** 03: GRPO-Guard. */
export const grpoGuard = policyGradientRecipe({
  number: '03',
  name: 'grpo-guard',
  steps: 150,
  settings: grpoGuardSettings,
});
