import { COUNT, LAYERS, invalidSetting, isCount, parseModelSettings } from '../model-settings';

/** Settings of the Qwen-Image transformer, by diffusers' names. */
export interface QwenImageTransformerConfig {
  /** Side of a patch, in latents. */
  patch_size: number;
  /** Channels of a packed latent token. */
  in_channels: number;
  /** Channels of the prediction before packing; null means `in_channels`. */
  out_channels: number | null;
  /** Number of blocks. */
  num_layers: number;
  /** Width of a head. */
  attention_head_dim: number;
  num_attention_heads: number;
  /** Width of the text encoder's states. */
  joint_attention_dim: number;
  /** Ignored, as in diffusers, which has no weights for it. Pipelines refuse true. */
  guidance_embeds: boolean;
  /** Width of the rotary axes: frame, height, width. */
  axes_dims_rope: number[];
  /** Tokens of all images but the first are modulated as at time 0. */
  zero_cond_t: boolean;
  /** A learned embedding of `additional_t_cond` (0 or 1) joins the time's. */
  use_additional_t_cond: boolean;
  /** Rotary positions for layered images. */
  use_layer3d_rope: boolean;
}

const DEFAULTS: QwenImageTransformerConfig = {
  patch_size: 2,
  in_channels: 64,
  out_channels: 16,
  num_layers: 60,
  attention_head_dim: 128,
  num_attention_heads: 24,
  joint_attention_dim: 3584,
  guidance_embeds: false,
  axes_dims_rope: [16, 56, 56],
  zero_cond_t: false,
  use_additional_t_cond: false,
  use_layer3d_rope: false,
};

const NAME = 'QwenImageTransformer2DModel';

/**
 * Fills in diffusers' defaults and checks the settings. Keys that start with "_" are left out.
 *
 * @throws When a key is unknown or its value cannot be; the message names the key.
 */
export function parseTransformerConfig(json: object): QwenImageTransformerConfig {
  const config = parseModelSettings(NAME, json, DEFAULTS, {
    num_layers: LAYERS,
    out_channels: { ...COUNT, allows: (value) => value === null || isCount(value) },
    axes_dims_rope: { rule: 'three even whole numbers', allows: isAxes },
  });
  const { axes_dims_rope: axes, attention_head_dim: headSize } = config;
  if (axes.reduce((sum, size) => sum + size, 0) !== headSize) {
    const rule = `attention_head_dim, ${headSize}`;
    throw invalidSetting(NAME, 'the sum of axes_dims_rope', rule, axes);
  }
  return config;
}

function isAxes(value: unknown): boolean {
  const isEven = (size: unknown) => isCount(size) && size % 2 === 0;
  return Array.isArray(value) && value.length === 3 && value.every(isEven);
}
