import {
  LAYERS,
  invalidSetting,
  isCount,
  listOf,
  parseModelSettings,
  type SettingRule,
} from '../model-settings';

/** Configuration of AutoencoderKLQwenImage, under diffusers' keys (vae/config.json). */
export interface AutoencoderConfig {
  /** Channels of the first level. */
  base_dim: number;
  /** Channels of a latent. */
  z_dim: number;
  /** Channels of each level, as multiples of `base_dim`; each further level halves the picture. */
  dim_mult: number[];
  /** Residual blocks a level of the encoder; the decoder has one more. */
  num_res_blocks: number;
  /** Scales (1, 1/2, ...) at which the encoder attends after each residual block. */
  attn_scales: number[];
  /** Levels that also halve time. Bears on videos alone; one entry for each level but the last. */
  temperal_downsample: boolean[];
  /** Bears on the training of the autoencoder alone. */
  dropout: number;
  /** Channels of a picture. */
  input_channels: number;
  /** Mean of each latent channel over the training set. */
  latents_mean: number[];
  /** Standard deviation of each latent channel over the training set. */
  latents_std: number[];
}

/** Defaults of diffusers 0.42.1, which are Qwen-Image's published values. */
const DEFAULTS: AutoencoderConfig = {
  base_dim: 96,
  z_dim: 16,
  dim_mult: [1, 2, 4, 4],
  num_res_blocks: 2,
  attn_scales: [],
  temperal_downsample: [false, true, true],
  dropout: 0,
  input_channels: 3,
  latents_mean: [
    -0.7571, -0.7089, -0.9113, 0.1075, -0.1745, 0.9653, -0.1517, 1.5508, 0.4134, -0.0715, 0.5517,
    -0.3632, -0.1922, -0.9497, 0.2503, -0.2921,
  ],
  latents_std: [
    2.8184, 1.4541, 2.3275, 2.6558, 1.2196, 1.7708, 2.6052, 2.0743, 3.2687, 2.1526, 2.8652, 1.5579,
    1.6382, 1.1253, 2.8251, 1.916,
  ],
};

/** The class by diffusers' name, for messages. */
export const CLASS_NAME = 'AutoencoderKLQwenImage';

const NUMBERS = listOf('a number', Number.isFinite);

/**
 * Fills in diffusers' defaults and checks the settings. Keys that start with "_" are left out.
 *
 * @throws When a key is unknown or its value cannot be; the message names the key.
 */
export function autoencoderConfig(json: object): AutoencoderConfig {
  const divisors: SettingRule = {
    rule: 'a list of numbers other than 0',
    allows: (value) => NUMBERS.allows(value) && !(value as number[]).includes(0),
  };
  const config = parseModelSettings(CLASS_NAME, json, DEFAULTS, {
    num_res_blocks: LAYERS,
    dim_mult: listOf('a whole number from 1', isCount),
    attn_scales: {
      rule: 'a list of numbers',
      allows: (value) => Array.isArray(value) && value.every(Number.isFinite),
    },
    temperal_downsample: {
      rule: 'a list of true and false',
      allows: (value) => Array.isArray(value) && value.every((item) => typeof item === 'boolean'),
    },
    dropout: { rule: 'a number', allows: Number.isFinite },
    latents_mean: NUMBERS,
    latents_std: divisors,
  });
  const lengths = {
    temperal_downsample: ['number of levels less one', config.dim_mult.length - 1],
    latents_mean: ['z_dim', config.z_dim],
    latents_std: ['z_dim', config.z_dim],
  } as const;
  for (const [key, [what, length]] of Object.entries(lengths)) {
    const value = config[key as keyof typeof lengths];
    if (value.length !== length) {
      throw invalidSetting(CLASS_NAME, key, `a list of length ${length}, the ${what}`, value);
    }
  }
  return config;
}
