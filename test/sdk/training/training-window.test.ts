import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DiffusionModelConfig, type FlowGRPOOptions } from '@flowbook/sdk';
import { flowGRPOSettings } from '../../../sdk/src/training/flow-grpo-settings';
import { trainingWindow } from '../../../sdk/src/training/training-window';

const MODEL = join(__dirname, '../../golden/models/tiny-qwen-image');

describe('trainingWindow()', () => {
  const starts = (
    options: Partial<FlowGRPOOptions>,
    config: Parameters<typeof DiffusionModelConfig.from>[0] = {},
  ) => {
    const settings = flowGRPOSettings({
      prompts: ['a'],
      reward: 'redness',
      sdeWindowRange: [0, 5],
      ...options,
    });
    const modelConfig = DiffusionModelConfig.from({
      path: MODEL,
      pipeline: { num_inference_steps: 10 },
      ...config,
    });
    return [1, 2, 3, 4, 5, 6].map((step) => trainingWindow(modelConfig, settings, step)?.[0]);
  };

  it('is left to the rollout unless a strategy moves it', () => {
    assert.deepEqual(starts({}), Array(6).fill(undefined));
  });

  it("advances, every window its full share; compat 'verl-omni' cuts the first one short", () => {
    const progressive = { sampleStrategy: 'progressive' } as const;
    assert.deepEqual(starts(progressive), [0, 2, 3, 3, 3, 3]);
    assert.deepEqual(starts({ ...progressive, itersPerGroup: 2 }), [0, 0, 2, 2, 3, 3]);
    assert.deepEqual(starts({ ...progressive, compat: 'verl-omni' }), [2, 3, 3, 3, 3, 3]);
  });

  it('is drawn from a seed and the step alone', () => {
    const random = { sampleStrategy: 'random', sdeWindowSeed: 42 } as const;
    assert.deepEqual(starts(random), [0, 3, 2, 0, 2, 2]);
    assert.deepEqual(starts({ ...random, seed: 9 }), [0, 3, 2, 0, 2, 2]);
  });

  it('follows the configuration of the algorithm mix_grpo', () => {
    const algo = { sample_strategy: 'progressive', iters_per_group: 3 } as const;
    assert.deepEqual(starts({}, { algorithm: 'mix_grpo', algo }), [0, 0, 0, 2, 2, 2]);
    assert.deepEqual(
      starts({ itersPerGroup: 1 }, { algorithm: 'mix_grpo', algo }),
      [0, 2, 3, 3, 3, 3],
    );
    assert.deepEqual(starts({}, { algo }), Array(6).fill(undefined));
  });

  it('lies within the steps of the rollout', () => {
    const few = { pipeline: { num_inference_steps: 3 } };
    const steps = starts({ sampleStrategy: 'progressive' }, few);
    assert.deepEqual(steps, [0, 1, 1, 1, 1, 1]);
  });
});
