import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DiffusionModelConfig } from '@flowbook/sdk';

const MODEL = join(__dirname, '../../golden/models/tiny-qwen-image');

describe('DiffusionModelConfig', () => {
  it("from() fills in verl-omni's defaults", () => {
    const config = DiffusionModelConfig.from({ architecture: 'QwenImagePipeline' });
    assert.deepEqual(config.pipeline, {
      height: 512,
      width: 512,
      num_inference_steps: 10,
      true_cfg_scale: 1,
      guidance_scale: null,
      max_sequence_length: 512,
      num_frames: 1,
      frame_rate: 24,
      video_flow_shift: 12,
      aspect_ratio: null,
      output_type: 'image',
    });
    assert.deepEqual(config.algo, {
      noise_level: 1,
      sde_type: 'sde',
      sde_window_size: null,
      sde_window_range: null,
      sde_contiguous: true,
      sample_strategy: 'random',
      iters_per_group: 1,
      sde_window_seed: 0,
    });
    assert.equal(config.algorithm, 'flow_grpo');
    assert.equal(config.lora_alpha, 64);
  });

  it('from() reads the architecture from model_index.json', () => {
    assert.equal(DiffusionModelConfig.from({ path: MODEL }).architecture, 'QwenImagePipeline');
  });

  it('from() returns a configuration as it is', () => {
    const config = DiffusionModelConfig.from({ path: MODEL });
    assert.equal(DiffusionModelConfig.from(config), config);
  });

  it('from() takes keys of pipeline beside it; those inside win', () => {
    const { pipeline } = DiffusionModelConfig.from({
      path: MODEL,
      height: 64,
      width: 64,
      pipeline: { width: 96 },
    });
    assert.deepEqual([pipeline.height, pipeline.width], [64, 96]);
  });

  it("from() takes a verl-omni run's spelling", () => {
    const config = DiffusionModelConfig.from({
      actor_rollout_ref: {
        model: { path: MODEL, algorithm: 'mix_grpo' },
        rollout: { pipeline: { height: 64 }, algo: { noise_level: 1.2 } },
      },
    });
    assert.equal(config.algorithm, 'mix_grpo');
    assert.equal(config.pipeline.height, 64);
    assert.equal(config.algo.noise_level, 1.2);
  });

  it('from() refuses an unknown key, names the nearest and lists the known ones', () => {
    assert.throws(
      () => DiffusionModelConfig.from({ path: MODEL, algo: { noise_levels: 1 } as object }),
      {
        message:
          'Cannot read a model configuration as algo has an unknown key "noise_levels": the nearest is "noise_level", known are noise_level, sde_type, sde_window_size, sde_window_range, sample_strategy, iters_per_group, sde_window_seed, sde_contiguous',
      },
    );
  });

  it('from() refuses a value that breaks its rule', () => {
    assert.throws(
      () => DiffusionModelConfig.from({ path: MODEL, height: -1 }),
      /^Error: Cannot read a model configuration as pipeline\.height breaks a rule \(.*\): current value is -1$/,
    );
  });

  it('from() refuses a configuration of nothing', () => {
    assert.throws(() => DiffusionModelConfig.from({}), {
      message:
        'Cannot read a model configuration as it must name a model directory (path) or an architecture: current value is null for both',
    });
  });

  it('with() changes settings and keeps the rest', () => {
    const config = DiffusionModelConfig.from({ path: MODEL, height: 64 });
    const changed = config.with({ algo: { noise_level: 0.7 } });
    assert.equal(changed.algo.noise_level, 0.7);
    assert.equal(changed.pipeline.height, 64);
    assert.equal(config.algo.noise_level, 1);
  });

  it('with() leaves what is undefined as it is', () => {
    const config = DiffusionModelConfig.from({
      path: MODEL,
      height: 64,
      algo: { noise_level: 0.7 },
    });
    const changed = config.with({
      pipeline: { height: undefined, width: 32 },
      algo: { noise_level: undefined },
    });
    assert.deepEqual([changed.pipeline.height, changed.pipeline.width], [64, 32]);
    assert.equal(changed.algo.noise_level, 0.7);
  });
});
