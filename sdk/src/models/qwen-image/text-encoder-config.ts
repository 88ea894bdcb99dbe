/** What the text model of a Qwen2.5-VL checkpoint needs to know, under transformers' keys. */
export interface TextEncoderConfig {
  vocab_size: number;
  hidden_size: number;
  /** Width inside the feed-forward layers. */
  intermediate_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  num_key_value_heads: number;
  rms_norm_eps: number;
  rope_theta: number;
}

interface RopeParameters {
  rope_theta?: number;
  rope_type?: string;
  type?: string;
  mrope_section?: number[];
}

interface TextSettings extends TextEncoderConfig {
  hidden_act?: string;
  layer_types?: string[];
  rope_parameters?: RopeParameters;
  rope_scaling?: RopeParameters | null;
}

/**
 * Reads text_encoder/config.json, whose text settings stand in `text_config` or, in older files,
 * at the top.
 *
 * @throws When the model needs a rule that is not built: other activations, scaled rotary angles,
 *   sliding windows.
 */
export function textEncoderConfig(config: Record<string, unknown>): TextEncoderConfig {
  const text = { ...config, ...(config.text_config as object) } as unknown as TextSettings;
  const rope = text.rope_parameters ?? text.rope_scaling ?? {};
  const ropeType = rope.rope_type ?? rope.type ?? 'default';
  demand('its hidden_act must be "silu"', text.hidden_act ?? 'silu', ['silu']);
  demand('its rotary type must be "default" or "mrope"', ropeType, ['default', 'mrope']);
  for (const layer of text.layer_types ?? []) {
    demand('its layer_types must be "full_attention"', layer, ['full_attention']);
  }
  const headSize = text.hidden_size / text.num_attention_heads;
  const sections = rope.mrope_section?.reduce((sum, size) => sum + size, 0) ?? headSize / 2;
  demand('its mrope_section must fill half a head', sections, [headSize / 2]);
  return {
    vocab_size: text.vocab_size,
    hidden_size: text.hidden_size,
    intermediate_size: text.intermediate_size,
    num_hidden_layers: text.num_hidden_layers,
    num_attention_heads: text.num_attention_heads,
    num_key_value_heads: text.num_key_value_heads ?? text.num_attention_heads,
    rms_norm_eps: text.rms_norm_eps,
    rope_theta: rope.rope_theta ?? text.rope_theta ?? 1e6,
  };
}

function demand<Value>(rule: string, value: Value, allowed: Value[]): void {
  if (!allowed.includes(value)) {
    throw new Error(
      `Cannot make a Qwen2_5_VLTextEncoder as ${rule}: current value is ${JSON.stringify(value)}`,
    );
  }
}
