import type { FlowGRPOOptions } from '@flowbook/sdk';
import { policyGradientRecipe, policyGradientSettings } from './policy-gradient';

/** Two steps with noise that move from the first ones to the eighth, a quarter of the run each. */
export const mixGRPOSettings = {
  ...policyGradientSettings,
  sampleStrategy: 'progressive',
  itersPerGroup: 38,
  sdeWindowSize: 2,
  sdeWindowRange: [0, 8],
} as const satisfies Partial<FlowGRPOOptions>;

/** 04: MixGRPO. */
export const mixGRPO = policyGradientRecipe({
  number: '04',
  name: 'mix-grpo',
  steps: 150,
  settings: mixGRPOSettings,
});
