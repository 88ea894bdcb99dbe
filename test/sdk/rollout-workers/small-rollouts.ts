import { join } from 'node:path';
import type { FlowGRPOOptions } from '@flowbook/sdk';

/** The model that rollouts over workers are tested with. */
export const MODEL = join(__dirname, '../../golden/models/tiny-qwen-image');
export const CONFIG = { height: 32, width: 32, num_inference_steps: 4 };

/** A training that is over soon, of several parts a step. */
export const SMALL = {
  prompts: ['a red fox', 'two cats', 'a blue house', 'a tree'],
  reward: 'redness',
  promptsPerStep: 2,
  groupSize: 4,
  steps: 3,
  compile: false,
  learningRate: 1e-2,
  microBatchSize: 2,
  sdeWindowRange: [0, 3],
} satisfies FlowGRPOOptions;
