import { flowDPPOSettings } from './flow-dppo';
import { grpoGuardSettings } from './grpo-guard';
import { mixGRPOSettings } from './mix-grpo';
import { policyGradientRecipe } from './policy-gradient';
import type { FullRecipe } from './recipe';

/** A threshold that no divergence reaches. */
const NEVER = 1e9;

/** What recipes are compared with: the same training without the part that a claim is about. */
export const COMPARISONS: readonly FullRecipe[] = [
  policyGradientRecipe({
    number: '03',
    name: 'without-ratio-norm',
    comparison:
      "FlowGRPO's own loss with GRPO-Guard's rate, clip and four updates a rollout: ratios as they are, not normalised",
    steps: 150,
    settings: { ...grpoGuardSettings, lossMode: 'flow_grpo' },
  }),
  policyGradientRecipe({
    number: '04',
    name: 'all-steps-trained',
    comparison:
      'Noise and training in all ten denoising steps: 75 rollouts with ten trained steps each, where MixGRPO has 150 with two',
    steps: 75,
    settings: {
      ...mixGRPOSettings,
      sampleStrategy: 'random',
      sdeWindowSize: 10,
      sdeWindowRange: [0, 10],
    },
  }),
  policyGradientRecipe({
    number: '06',
    name: 'without-mask',
    comparison: 'The same loss with a mask that drops nothing: no trust region, and no clip either',
    steps: 150,
    settings: { ...flowDPPOSettings, lossConfig: { kl_mask_threshold: NEVER } },
  }),
];
