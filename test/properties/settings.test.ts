import assert from 'node:assert/strict';
import {
  DiffusionModelConfig,
  FlowMatchEulerDiscreteScheduler,
  FlowMatchSDEDiscreteScheduler,
} from '@flowbook/sdk';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { autoencoderConfig } from '../../sdk/src/models/qwen-image/autoencoder-config';
import { textEncoderConfig } from '../../sdk/src/models/qwen-image/text-encoder-config';
import { parseTransformerConfig } from '../../sdk/src/models/qwen-image/transformer-config';
import { parameterShapes } from '../../sdk/src/models/qwen-image/transformer-parameters';
import { parseAutoencoderConfig } from '../../sdk/src/models/stable-diffusion-3/autoencoder-config';
import { clipTextConfig } from '../../sdk/src/models/stable-diffusion-3/clip-config';
import { t5Config } from '../../sdk/src/models/stable-diffusion-3/t5-config';
import { parseTransformerConfig as parseSD3Config } from '../../sdk/src/models/stable-diffusion-3/transformer-config';
import { tampered, values } from './awkward';
import { holds, outcomeOf } from './property';

type Json = Record<string, unknown>;

const read = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Json;
const QWEN = 'datasets/tiny-qwen-image';
const SD3 = 'test/golden/models/tiny-sd3';

/** By model class, its tiny checkpoint's config.json and what reads it. */
const models: Record<string, [path: string, parse: (json: Json) => object]> = {
  QwenImageTransformer2DModel: [`${QWEN}/transformer/config.json`, parseTransformerConfig],
  AutoencoderKLQwenImage: [`${QWEN}/vae/config.json`, autoencoderConfig],
  Qwen2_5_VLTextEncoder: [`${QWEN}/text_encoder/config.json`, textEncoderConfig],
  SD3Transformer2DModel: [`${SD3}/transformer/config.json`, parseSD3Config],
  AutoencoderKL: [`${SD3}/vae/config.json`, parseAutoencoderConfig],
  CLIPTextModelWithProjection: [`${SD3}/text_encoder/config.json`, clipTextConfig],
  T5EncoderModel: [`${SD3}/text_encoder_3/config.json`, t5Config],
};

describe('settings', () => {
  for (const [name, [path, parse]] of Object.entries(models)) {
    holds(
      `config.json of ${name} with wrong settings is refused in words, or read as it stands`,
      tampered(fc.constant(read(path))),
      (json) => {
        const outcome = outcomeOf(() => parse(json));
        if ('error' in outcome) return;
        for (const [key, value] of Object.entries(outcome.value)) {
          // What is read is what the file says, or a default; null stands for one in older files.
          if (Object.hasOwn(json, key) && json[key] !== null && typeof value !== 'object') {
            assert.deepEqual(value, json[key], key);
          }
          if (typeof value === 'number') assert.ok(Number.isFinite(value), key);
        }
      },
    );
  }

  holds(
    'a transformer of any small size has the parameters that its settings say',
    fc.record({
      num_layers: fc.integer({ min: 1, max: 3 }),
      num_attention_heads: fc.integer({ min: 1, max: 4 }),
      in_channels: fc.integer({ min: 1, max: 64 }),
      joint_attention_dim: fc.integer({ min: 1, max: 64 }),
    }),
    (sizes) => {
      const config = { ...sizes, attention_head_dim: 8, axes_dims_rope: [4, 2, 2] };
      const shapes = parameterShapes(parseTransformerConfig(config));
      const width = 8 * sizes.num_attention_heads;
      assert.deepEqual(shapes.get('img_in.weight'), [width, sizes.in_channels]);
      assert.deepEqual(shapes.get('txt_in.weight'), [width, sizes.joint_attention_dim]);
      const blocks = new Set(
        [...shapes.keys()].flatMap((name) => /^transformer_blocks\.(\d+)\./.exec(name)?.[1] ?? []),
      );
      assert.equal(blocks.size, sizes.num_layers);
    },
  );

  const scheduler = read(`${QWEN}/scheduler/scheduler_config.json`);
  for (const Scheduler of [FlowMatchSDEDiscreteScheduler, FlowMatchEulerDiscreteScheduler]) {
    holds(
      `scheduler_config.json of ${Scheduler.name} with wrong settings is refused in words, or gives falling times`,
      tampered(fc.constant(scheduler)),
      (json) => {
        const sigmasOf = (settings: Json) => {
          const made = Scheduler.fromConfig(settings);
          try {
            made.setTimesteps(4, { mu: 0.7 });
            return [...made.sigmaValues];
          } finally {
            made.dispose();
          }
        };
        const outcome = outcomeOf(() => sigmasOf(json));
        if ('error' in outcome) return;
        // Stretched to an end, a schedule that stays at 1 is none: a rollout refuses its times.
        const [, , , last] = sigmasOf({ ...json, shift_terminal: null });
        if (last > 1 - 1e-6) return;
        assert.ok(outcome.value.every(Number.isFinite), String(outcome.value));
      },
    );
  }

  const model = {
    path: QWEN,
    algorithm: 'flow_grpo',
    lora_rank: 4,
    target_modules: ['to_q'],
    pipeline: { height: 64, width: 64, num_inference_steps: 10, true_cfg_scale: 1 },
    algo: { noise_level: 0.7, sde_type: 'sde', sde_window_range: [0, 5] },
  };

  holds(
    'DiffusionModelConfig.from() refuses wrong settings in words, or keeps them',
    tampered(fc.constant(model)),
    (json) => {
      const outcome = outcomeOf(() => DiffusionModelConfig.from(json as object));
      if ('error' in outcome) return;
      const { pipeline } = outcome.value;
      assert.deepEqual(DiffusionModelConfig.from({ ...outcome.value }).pipeline, pipeline);
    },
  );

  holds('DiffusionModelConfig.from() refuses any other value in words', values, (value) => {
    assert.ok('error' in outcomeOf(() => DiffusionModelConfig.from(value as object)));
  });
});
