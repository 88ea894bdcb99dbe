import { LOSS_DEFAULTS } from '../losses/loss-config';

/** The defaults of a step's functions, which a trainer shares: how groups are rolled out, and how they are learned from. */
export const STEP_DEFAULTS = {
  groupSize: 16,
  sameInitialNoise: true,
  negativePrompt: ' ',
  noiseLevel: 0.7,
  sdeType: 'sde',
  sdeWindowSize: 2,
  sdeWindowRange: [0, 5],
  clipRatio: 1e-3,
  advClipMax: LOSS_DEFAULTS.adv_clip_max,
  microBatchSize: 64,
} as const;
