import { DiffusionNFTTrainer, type DiffusionNFTOptions } from '@flowbook/sdk';
import { partialCredit } from './prompts';
import { tinyQwenImage, type FullRecipe } from './recipe';

/** Of the kept runs; the notebook has them as mode 'full'. */
export const diffusionNFTSettings = {
  promptsPerStep: 16,
  promptPriority: {},
  groupSize: 12,
  learningRate: 1.2e-4,
  warmupSteps: 5,
  lrSchedule: 'cosine',
  minLrRatio: 0.1,
  mixBeta: 0.3,
  timestepFraction: 0.2,
  oldPolicySchedule: 0.9,
  ema: 0.9,
  microBatchSize: 192,
} as const satisfies Partial<DiffusionNFTOptions>;

/** 07: DiffusionNFT on all weights of tiny Qwen-Image, with partial credit. */
export const diffusionNFT: FullRecipe = {
  number: '07',
  name: 'diffusion-nft',
  ...tinyQwenImage('diffusion_nft'),
  steps: 400,
  settings: diffusionNFTSettings,
  trainer: (pipeline, common) =>
    new DiffusionNFTTrainer(pipeline, {
      ...partialCredit(),
      ...diffusionNFTSettings,
      ...common,
    } satisfies DiffusionNFTOptions),
};
