import type { FlowGRPOOptions } from '@flowbook/sdk';
import { policyGradientRecipe, policyGradientSettings } from './policy-gradient';

/** Twice FlowGRPO's learning rate, and four updates a rollout, so that there is something to mask. */
export const flowDPPOSettings = {
  ...policyGradientSettings,
  lossMode: 'flow_dppo',
  learningRate: 3e-4,
  ppoEpochs: 2,
  miniBatchSize: 96,
  microBatchSize: 96,
  lossConfig: { kl_mask_threshold: 1e-4 },
} as const satisfies Partial<FlowGRPOOptions>;

/** 06: Flow-DPPO. */
export const flowDPPO = policyGradientRecipe({
  number: '06',
  name: 'flow-dppo',
  steps: 150,
  settings: flowDPPOSettings,
});
