import assert from 'node:assert/strict';
import { join } from 'node:path';
import {
  QwenImageMixGRPO,
  loadPipeline,
  tf,
  withMixGrpoWindow,
  type ForwardOptions,
  type MixGrpoExtraArgs,
  type QwenImageMixGRPOPipelineWithLogProb,
} from '@flowbook/sdk';

const MODEL = join(__dirname, '../../golden/models/tiny-qwen-image');
const ALGO = { sample_strategy: 'random', iters_per_group: 1, sde_window_seed: 42 } as const;

/** Where the window of a request lies after MixGRPO placed it. */
function range(extra_args: MixGrpoExtraArgs, options: ForwardOptions = {}): unknown {
  const request = { prompts: ['a'], sampling_params: { extra_args } };
  const placed = withMixGrpoWindow(request, { sdeWindowSize: 2, ...options }, ALGO);
  return placed.sampling_params?.extra_args?.sde_window_range;
}

describe('withMixGrpoWindow()', () => {
  it('places random windows by the seed and the training step, the same for all requests', () => {
    const starts = Array.from({ length: 10 }, (_, at) => range({ global_steps: at + 1 }));
    assert.deepEqual(
      starts.map((window) => (window as number[])[0]),
      [0, 3, 2, 0, 2, 2, 0, 3, 1, 2],
    );
  });

  it("counts progressive windows from the first step; compat 'verl-omni' skips one", () => {
    const progressive = (global_steps: number, options: ForwardOptions = {}) =>
      range({ sample_strategy: 'progressive', global_steps }, options);
    assert.deepEqual(
      [1, 2, 3, 4].map((step) => progressive(step)),
      [
        [0, 2],
        [2, 4],
        [3, 5],
        [3, 5],
      ],
    );
    const skipped = [1, 2].map((step) => progressive(step, { compat: 'verl-omni' }));
    assert.deepEqual(skipped, [
      [2, 4],
      [3, 5],
    ]);
  });

  it('keeps windows within the steps of the rollout', () => {
    for (let global_steps = 1; global_steps < 20; global_steps++) {
      const [, end] = range({ global_steps }, { numInferenceSteps: 4 }) as number[];
      assert.ok(end <= 4);
      const [, last] = range({ global_steps }, { sigmas: [1, 0.6, 0.3] }) as number[];
      assert.ok(last <= 3);
    }
  });

  it('takes what the request says before options and configuration', () => {
    const extra = {
      sde_window_size: 1,
      sde_window_range: [6, 9],
      iters_per_group: 2,
      sample_strategy: 'progressive',
      global_steps: 5,
    } as const;
    assert.deepEqual(range(extra, { sdeWindowRange: [0, 3] }), [8, 9]);
  });

  it('leaves the draw to the rollout without a size, a seed or a training step', () => {
    assert.equal(range({ global_steps: 1 }, { sdeWindowSize: null }), undefined);
    assert.equal(range({ global_steps: 1, sde_window_seed: null, sde_window_size: 2 }), undefined);
    assert.equal(range({}), undefined);
  });

  it('does not change the request that it is given', () => {
    const extra_args = { global_steps: 3 };
    range(extra_args);
    assert.deepEqual(extra_args, { global_steps: 3 });
  });

  it('refuses a window that does not fit, and a progressive one that nobody places', () => {
    assert.throws(() => range({ global_steps: 1, sde_window_size: 6 }), {
      message:
        'Cannot place an SDE window as its size must fit its range: current values are size 6 and range [0, 5]',
    });
    assert.throws(() => range({ sample_strategy: 'progressive' }), {
      message:
        'Cannot place a progressive SDE window as extra_args.global_steps must say the training step: current value is undefined',
    });
    assert.throws(() => range({ sample_strategy: 'later' as 'random', global_steps: 1 }), {
      message:
        'Cannot place an SDE window as sample_strategy must be random or progressive: current value is later',
    });
  });
});

describe('QwenImageMixGRPOPipelineWithLogProb', () => {
  let pipeline: QwenImageMixGRPOPipelineWithLogProb;

  before(async () => {
    pipeline = await loadPipeline(MODEL, {
      algorithm: 'mix_grpo',
      height: 32,
      width: 32,
      num_inference_steps: 6,
      algo: { sample_strategy: 'progressive' },
    });
  });

  after(() => pipeline.dispose());

  it('forward() moves the window along with the training step', async () => {
    const times: number[][] = [];
    for (const global_steps of [1, 2, 3]) {
      const { output, customOutput } = await pipeline.forward(
        { prompts: ['a fox'], sampling_params: { seed: 3, extra_args: { global_steps } } },
        { numInferenceSteps: 6, sdeWindowSize: 2, trueCfgScale: 1, outputType: 'latent' },
      );
      times.push(Array.from(customOutput.all_timesteps.dataSync()));
      tf.dispose(Object.values(customOutput).filter((tensor) => tensor !== null));
      (output as tf.Tensor).dispose();
    }
    const all = pipeline.scheduler.timestepValues;
    assert.deepEqual(
      times,
      [0, 2, 3].map((start) => Array.from(all.subarray(start, start + 2))),
    );
  });

  it('QwenImageMixGRPO builds the scheduler that the rollout used', () => {
    const scheduler = QwenImageMixGRPO.buildScheduler(pipeline.modelConfig);
    assert.deepEqual(scheduler.timestepValues, pipeline.scheduler.timestepValues);
    scheduler.dispose();
  });
});
