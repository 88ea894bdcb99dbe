import { COUNT, LAYERS, invalidSetting, parseModelSettings } from '../model-settings';
import { activationNamed } from '../text-encoder/activation';

/** What a CLIP text model needs to know, under transformers' keys. */
export interface CLIPTextConfig {
  vocab_size: number;
  hidden_size: number;
  intermediate_size: number;
  /** Width of the pooled embedding. */
  projection_dim: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  /** Longest text in tokens. */
  max_position_embeddings: number;
  hidden_act: string;
  layer_norm_eps: number;
  /** The token whose state is pooled. 2 stands for the largest id of a text, as old files have it. */
  eos_token_id: number;
}

export const CLIP = 'CLIPTextModelWithProjection';

const DEFAULTS: CLIPTextConfig = {
  vocab_size: 49408,
  hidden_size: 512,
  intermediate_size: 2048,
  projection_dim: 512,
  num_hidden_layers: 12,
  num_attention_heads: 8,
  max_position_embeddings: 77,
  hidden_act: 'quick_gelu',
  layer_norm_eps: 1e-5,
  eos_token_id: 49407,
};

/**
 * Reads a CLIP text model's config.json, or the `text_config` of a whole CLIP's: transformers' defaults, and only the keys
 * that its mathematics needs.
 *
 * @throws When a value cannot be; the message names the key.
 */
export function clipTextConfig(json: Record<string, unknown>): CLIPTextConfig {
  const settings = (json.text_config ?? json) as Record<string, unknown>;
  const known = Object.entries(settings).filter(([key]) => Object.hasOwn(DEFAULTS, key));
  const config = parseModelSettings(CLIP, Object.fromEntries(known), DEFAULTS, {
    num_hidden_layers: LAYERS,
    hidden_act: { rule: 'a name', allows: (name) => typeof name === 'string' },
    layer_norm_eps: { rule: 'a number', allows: Number.isFinite },
    eos_token_id: { ...COUNT, rule: 'a whole number', allows: Number.isSafeInteger },
  });
  activationNamed(CLIP, config.hidden_act);
  if (config.hidden_size % config.num_attention_heads !== 0) {
    const rule = `a multiple of num_attention_heads, ${config.num_attention_heads}`;
    throw invalidSetting(CLIP, 'hidden_size', rule, config.hidden_size);
  }
  return config;
}
