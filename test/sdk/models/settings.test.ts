import assert from 'node:assert/strict';
import { autoencoderConfig } from '../../../sdk/src/models/qwen-image/autoencoder-config';
import { textEncoderConfig } from '../../../sdk/src/models/qwen-image/text-encoder-config';
import { parseTransformerConfig as parseQwenTransformer } from '../../../sdk/src/models/qwen-image/transformer-config';
import { parseAutoencoderConfig } from '../../../sdk/src/models/stable-diffusion-3/autoencoder-config';
import { clipTextConfig } from '../../../sdk/src/models/stable-diffusion-3/clip-config';
import { t5Config } from '../../../sdk/src/models/stable-diffusion-3/t5-config';
import { parseTransformerConfig as parseSD3Transformer } from '../../../sdk/src/models/stable-diffusion-3/transformer-config';
import { tf } from '../../../sdk/src/tensorflow';
import { causalBias } from '../../../sdk/src/models/text-encoder/text-inputs';

type Parse = (json: Record<string, unknown>) => object;
type Refusal = [settings: Record<string, unknown>, message: string];

/** Small, so that one setting alone is wrong. */
const TEXT = {
  hidden_size: 16,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  num_hidden_layers: 3,
};

const REFUSED: [className: string, parse: Parse, refusals: Refusal[]][] = [
  [
    'QwenImageTransformer2DModel',
    parseQwenTransformer,
    [
      [{ zero_cond_t: 1 }, 'zero_cond_t must be true or false: current value is 1'],
      [{ out_channels: 0 }, 'out_channels must be a whole number from 1: current value is 0'],
    ],
  ],
  [
    'SD3Transformer2DModel',
    parseSD3Transformer,
    [
      [
        { pos_embed_max_size: null },
        'pos_embed_max_size must be a whole number from 1: current value is null',
      ],
      [
        { qk_norm: 'fp32_layer_norm' },
        'qk_norm must be "rms_norm" or null: current value is "fp32_layer_norm"',
      ],
    ],
  ],
  [
    'AutoencoderKLQwenImage',
    autoencoderConfig,
    [
      [
        { is_residual: true },
        'every key must be one of base_dim, z_dim, dim_mult, num_res_blocks, attn_scales, temperal_downsample, dropout, input_channels, latents_mean, latents_std: current value is "is_residual"',
      ],
      [
        { temperal_downsample: [true] },
        'temperal_downsample must be a list of length 3, the number of levels less one: current value is [true]',
      ],
      [
        { dim_mult: [1, 0.5] },
        'dim_mult must be a list, each a whole number from 1: current value is [1,0.5]',
      ],
      [
        { latents_mean: [1] },
        'latents_mean must be a list of length 16, the z_dim: current value is [1]',
      ],
      [
        { z_dim: 1, latents_mean: [0], latents_std: [0] },
        'latents_std must be a list of numbers other than 0: current value is [0]',
      ],
    ],
  ],
  [
    'AutoencoderKL',
    parseAutoencoderConfig,
    [
      [
        { down_block_types: ['AttnDownEncoderBlock2D'] },
        'down_block_types must be a list, each DownEncoderBlock2D: current value is ["AttnDownEncoderBlock2D"]',
      ],
      [
        { norm_num_groups: 48 },
        'block_out_channels must be multiples of norm_num_groups, 48: current value is [64]',
      ],
    ],
  ],
  [
    'Qwen2_5_VLTextEncoder',
    textEncoderConfig,
    [
      [
        { ...TEXT, num_key_value_heads: 3 },
        'num_key_value_heads must be a divisor of num_attention_heads, 4: current value is 3',
      ],
      [{ ...TEXT, head_dim: 8 }, 'head_dim must be 4: current value is 8'],
      [
        { ...TEXT, rope_parameters: { mrope_section: [1, 1, 1] } },
        'mrope_section must be parts of half a head, 2: current value is [1,1,1]',
      ],
      [
        { ...TEXT, rope_scaling: { type: 'linear', factor: 2 } },
        'rope_type must be "default" or "mrope": current value is "linear"',
      ],
      [
        { ...TEXT, layer_types: ['chunked_attention'] },
        'layer_types must be 3 of "full_attention" and "sliding_attention": current value is ["chunked_attention"]',
      ],
      [
        { ...TEXT, use_sliding_window: true, max_window_layers: 0, sliding_window: 0 },
        'sliding_window must be a whole number from 1: current value is 0',
      ],
    ],
  ],
  [
    'CLIPTextModelWithProjection',
    clipTextConfig,
    [
      [
        { hidden_size: 10, num_attention_heads: 4 },
        'hidden_size must be a multiple of num_attention_heads, 4: current value is 10',
      ],
      [{ eos_token_id: [2] }, 'eos_token_id must be a whole number: current value is [2]'],
    ],
  ],
  [
    'T5EncoderModel',
    t5Config,
    [
      [
        { relative_attention_max_distance: 8 },
        'relative_attention_max_distance must be more than the 8 distances that have a bucket each: current value is 8',
      ],
      [{ d_kv: 0 }, 'd_kv must be a whole number from 1: current value is 0'],
    ],
  ],
];

/** The setting of each class that says how often a layer is repeated. */
const LAYERS: [parse: Parse, key: string, fits: Record<string, unknown>][] = [
  [parseQwenTransformer, 'num_layers', {}],
  [parseSD3Transformer, 'num_layers', {}],
  [autoencoderConfig, 'num_res_blocks', {}],
  [parseAutoencoderConfig, 'layers_per_block', {}],
  [textEncoderConfig, 'num_hidden_layers', TEXT],
  [clipTextConfig, 'num_hidden_layers', {}],
  [t5Config, 'num_layers', {}],
];

describe('settings of models', () => {
  it('more than 1,000 layers are refused before anything is made from them', () => {
    for (const [parse, key, fits] of LAYERS) {
      const message = `${key} must be a whole number from 1 to 1000: current value is 4294967296`;
      assert.throws(
        () => parse({ ...fits, [key]: 2 ** 32 }),
        (error: Error) => error.message.endsWith(message),
      );
    }
  });

  for (const [className, parse, refusals] of REFUSED) {
    for (const [settings, message] of refusals) {
      const [key] = Object.keys(settings).slice(-1);
      it(`of ${className} are refused by name and value: ${key}`, () => {
        assert.throws(() => parse(settings), {
          message: `Cannot build ${className} as ${message}`,
        });
      });
    }
  }

  it('of a text model are those of text_config, or of the top in old files', () => {
    const nested = textEncoderConfig({ hidden_size: 1, text_config: TEXT });
    assert.deepEqual(nested, textEncoderConfig(TEXT));
    assert.equal(clipTextConfig({ text_config: { hidden_size: 24 } }).hidden_size, 24);
  });

  it('of old files name the base of rotary angles beside rope_scaling, which wins', () => {
    const rope = {
      rope_scaling: { type: 'mrope' },
      rope_parameters: { rope_theta: 7 },
      rope_theta: 5,
    };
    assert.equal(textEncoderConfig({ ...TEXT, ...rope }).rope_theta, 5);
  });

  it('give sliding windows to the layers from max_window_layers on', () => {
    const windows = { use_sliding_window: true, sliding_window: 2, max_window_layers: 2 };
    const { layer_types, sliding_window } = textEncoderConfig({ ...TEXT, ...windows });
    assert.deepEqual(layer_types, ['full_attention', 'full_attention', 'sliding_attention']);
    assert.equal(sliding_window, 2);
    assert.equal(textEncoderConfig({ ...TEXT, sliding_window: 2 }).sliding_window, null);
  });
});

describe('causalBias()', () => {
  it('lets a token see itself and, of what is before it, as much as the window holds', () => {
    const seen = (window: number | null) =>
      tf.tidy(() =>
        tf
          .equal(causalBias(3, null, window), 0)
          .reshape([3, 3])
          .arraySync(),
      );
    assert.deepEqual(seen(null), [
      [1, 0, 0],
      [1, 1, 0],
      [1, 1, 1],
    ]);
    assert.deepEqual(seen(2), [
      [1, 0, 0],
      [1, 1, 0],
      [0, 1, 1],
    ]);
    assert.deepEqual(seen(9), seen(null));
  });
});
