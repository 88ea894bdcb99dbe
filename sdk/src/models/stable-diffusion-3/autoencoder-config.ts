import {
  COUNT,
  LAYERS,
  invalidSetting,
  isCount,
  listOf,
  parseModelSettings,
} from '../model-settings';

/** Configuration of AutoencoderKL, under diffusers' keys (vae/config.json). */
export interface AutoencoderKLConfig {
  /** Channels of a picture that is encoded. */
  in_channels: number;
  /** Channels of a picture that was decoded. */
  out_channels: number;
  /** One a level, each `DownEncoderBlock2D`. */
  down_block_types: string[];
  /** One a level, each `UpDecoderBlock2D`. */
  up_block_types: string[];
  /** Channels of each level; each further level halves the picture. */
  block_out_channels: number[];
  /** Residual blocks a level of the encoder; the decoder has one more. */
  layers_per_block: number;
  /** `silu`, or `swish`, its other name. */
  act_fn: string;
  /** Channels of a latent. */
  latent_channels: number;
  /** Groups of channels that are normed together. */
  norm_num_groups: number;
  /** Side of the pictures it was trained on; bears on tiling alone. */
  sample_size: number;
  /** Latents of the diffusion are (z - shift_factor) * scaling_factor. */
  scaling_factor: number;
  /** See `scaling_factor`; null means 0. */
  shift_factor: number | null;
  /** Not read by Stable Diffusion 3. */
  latents_mean: number[] | null;
  /** Not read by Stable Diffusion 3. */
  latents_std: number[] | null;
  /** Everything is float32 here. */
  force_upcast: boolean;
  /** A 1x1 convolution after the encoder. */
  use_quant_conv: boolean;
  /** A 1x1 convolution before the decoder. */
  use_post_quant_conv: boolean;
  /** Attention at the coarsest level. */
  mid_block_add_attention: boolean;
}

const CLASS_NAME = 'AutoencoderKL';

const DEFAULTS: AutoencoderKLConfig = {
  in_channels: 3,
  out_channels: 3,
  down_block_types: ['DownEncoderBlock2D'],
  up_block_types: ['UpDecoderBlock2D'],
  block_out_channels: [64],
  layers_per_block: 1,
  act_fn: 'silu',
  latent_channels: 4,
  norm_num_groups: 32,
  sample_size: 32,
  scaling_factor: 0.18215,
  shift_factor: null,
  latents_mean: null,
  latents_std: null,
  force_upcast: true,
  use_quant_conv: true,
  use_post_quant_conv: true,
  mid_block_add_attention: true,
};

/**
 * Fills in diffusers' defaults and checks the settings. Keys that start with "_" are left out.
 *
 * @throws When a key is unknown or its value cannot be; the message names the key.
 */
export function parseAutoencoderConfig(json: object): AutoencoderKLConfig {
  const anything = { rule: 'anything', allows: () => true };
  const config = parseModelSettings(CLASS_NAME, json, DEFAULTS, {
    layers_per_block: LAYERS,
    down_block_types: listOf('DownEncoderBlock2D', (type) => type === 'DownEncoderBlock2D'),
    up_block_types: listOf('UpDecoderBlock2D', (type) => type === 'UpDecoderBlock2D'),
    block_out_channels: listOf(COUNT.rule, isCount),
    act_fn: {
      rule: '"silu" or "swish", its other name',
      allows: (x) => x === 'silu' || x === 'swish',
    },
    sample_size: anything,
    scaling_factor: { rule: 'a number other than 0', allows: (x) => isFinite(x) && x !== 0 },
    shift_factor: { rule: 'a number or null', allows: (x) => x === null || isFinite(x) },
    latents_mean: anything,
    latents_std: anything,
  });
  const levels = config.block_out_channels.length;
  for (const key of ['down_block_types', 'up_block_types'] as const) {
    if (config[key].length !== levels) {
      const rule = `as long as block_out_channels, ${levels}`;
      throw invalidSetting(CLASS_NAME, key, rule, config[key]);
    }
  }
  for (const channels of config.block_out_channels) {
    if (channels % config.norm_num_groups !== 0) {
      const rule = `multiples of norm_num_groups, ${config.norm_num_groups}`;
      throw invalidSetting(CLASS_NAME, 'block_out_channels', rule, config.block_out_channels);
    }
  }
  return config;
}

function isFinite(value: unknown): boolean {
  return Number.isFinite(value);
}
