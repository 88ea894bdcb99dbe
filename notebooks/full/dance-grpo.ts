import type { FlowGRPOOptions } from '@flowbook/sdk';
import { policyGradientRecipe, policyGradientSettings } from './policy-gradient';

/** Noise of constant strength in every step, and every step trained. */
export const danceGRPOSettings = {
  ...policyGradientSettings,
  lossMode: 'dance_grpo',
  sdeType: 'dance_sde',
  noiseLevel: 0.3,
  sdeWindowSize: 10,
  sdeWindowRange: [0, 10],
} as const satisfies Partial<FlowGRPOOptions>;

/** 05: DanceGRPO. */
export const danceGRPO = policyGradientRecipe({
  number: '05',
  name: 'dance-grpo',
  steps: 100,
  settings: danceGRPOSettings,
});
