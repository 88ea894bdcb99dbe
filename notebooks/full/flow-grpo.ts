import { FlowGRPOTrainer, type FlowGRPOOptions } from '@flowbook/sdk';
import { trainPrompts } from './prompts';
import type { FullRecipe } from './recipe';

const settings = {
  promptsPerStep: 16,
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

/** 01: FlowGRPO on all weights of tiny Qwen-Image, with partial credit. */
export const flowGRPO: FullRecipe = {
  number: '01',
  name: 'flow-grpo',
  model: 'datasets/tiny-qwen-image',
  pipeline: {
    algorithm: 'flow_grpo',
    pipeline: { height: 64, width: 64, num_inference_steps: 10, true_cfg_scale: 1 },
    algo: { noise_level: 0.7, sde_type: 'sde' },
  },
  steps: 600,
  settings,
  trainer: (pipeline, common) =>
    new FlowGRPOTrainer(pipeline, {
      prompts: trainPrompts(),
      reward: 'shapes',
      monitors: { exact: 'shapes_exact' },
      ...settings,
      ...common,
    }),
};
