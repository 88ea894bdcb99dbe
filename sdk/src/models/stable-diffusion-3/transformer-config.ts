import { COUNT, LAYERS, invalidSetting, isCount, parseModelSettings } from '../model-settings';

/** Settings of Stable Diffusion 3's transformer, by diffusers' names. */
export interface SD3TransformerConfig {
  /** Side of the latents it was first trained on; sets the scale of positions. */
  sample_size: number;
  /** Side of a patch, in latents. */
  patch_size: number;
  /** Channels of the latents. */
  in_channels: number;
  /** Number of blocks. */
  num_layers: number;
  /** Width of a head. */
  attention_head_dim: number;
  num_attention_heads: number;
  /** Width of the prompt's embeddings. */
  joint_attention_dim: number;
  /** Width of the prompt's embeddings inside; must be that of the blocks. */
  caption_projection_dim: number;
  /** Width of the pooled embedding. */
  pooled_projection_dim: number;
  /** Channels of the prediction; null means `in_channels`. */
  out_channels: number | null;
  /** Side of the table of positions, in patches: the largest picture. */
  pos_embed_max_size: number;
  /** Blocks whose picture attends once more, to itself alone (Stable Diffusion 3.5). */
  dual_attention_layers: number[];
  /** Norm of queries and keys: null, or `rms_norm` (Stable Diffusion 3.5). */
  qk_norm: 'rms_norm' | null;
}

const DEFAULTS: SD3TransformerConfig = {
  sample_size: 128,
  patch_size: 2,
  in_channels: 16,
  num_layers: 18,
  attention_head_dim: 64,
  num_attention_heads: 18,
  joint_attention_dim: 4096,
  caption_projection_dim: 1152,
  pooled_projection_dim: 2048,
  out_channels: 16,
  pos_embed_max_size: 96,
  dual_attention_layers: [],
  qk_norm: null,
};

/** The class by diffusers' name, for messages and files. */
export const CLASS_NAME = 'SD3Transformer2DModel';

/**
 * Fills in diffusers' defaults and checks the settings. Keys that start with "_" are left out.
 *
 * @throws When a key is unknown or its value cannot be; the message names the key.
 */
export function parseTransformerConfig(json: object): SD3TransformerConfig {
  const config = parseModelSettings(CLASS_NAME, json, DEFAULTS, {
    num_layers: LAYERS,
    out_channels: { ...COUNT, allows: (value) => value === null || isCount(value) },
    dual_attention_layers: { rule: 'a list of whole numbers from 0', allows: isListOfIndices },
    qk_norm: {
      rule: '"rms_norm" or null',
      allows: (value) => [null, 'rms_norm'].includes(value as null),
    },
  });
  const width = innerWidth(config);
  if (config.caption_projection_dim !== width) {
    const rule = `num_attention_heads * attention_head_dim, ${width}`;
    throw invalidSetting(CLASS_NAME, 'caption_projection_dim', rule, config.caption_projection_dim);
  }
  return config;
}

/** Width of the blocks. */
export function innerWidth(config: SD3TransformerConfig): number {
  return config.num_attention_heads * config.attention_head_dim;
}

function isListOfIndices(value: unknown): boolean {
  return Array.isArray(value) && value.every((index) => index === 0 || isCount(index));
}
