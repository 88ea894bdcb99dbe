import { COUNT, LAYERS, invalidSetting, isCount, parseModelSettings } from '../model-settings';
import { activationNamed } from '../text-encoder/activation';

/** What the text model of a Qwen2.5-VL checkpoint needs to know, under transformers' keys. */
export interface TextEncoderConfig {
  vocab_size: number;
  hidden_size: number;
  /** Width inside the feed-forward layers. */
  intermediate_size: number;
  num_hidden_layers: number;
  num_attention_heads: number;
  /** Heads of keys and values, each shared by several heads of queries. */
  num_key_value_heads: number;
  /** Activation that gates the feed-forward layers, by transformers' name. */
  hidden_act: string;
  rms_norm_eps: number;
  /** Base of the rotary angles. */
  rope_theta: number;
  /** For each layer whether its tokens see all text before them, or only the nearest `sliding_window`. */
  layer_types: ('full_attention' | 'sliding_attention')[];
  /** Tokens that a layer of `sliding_attention` sees, itself included; null without one. */
  sliding_window: number | null;
}

interface RopeParameters {
  rope_theta?: number;
  rope_type?: string;
  type?: string;
  mrope_section?: number[];
}

interface TextSettings {
  num_key_value_heads?: number | null;
  head_dim?: number | null;
  rope_parameters?: RopeParameters | null;
  rope_scaling?: RopeParameters | null;
  rope_theta?: number;
  use_sliding_window?: boolean;
  sliding_window?: number | null;
  max_window_layers?: number;
  layer_types?: string[] | null;
}

export const QWEN_TEXT = 'Qwen2_5_VLTextEncoder';

/** Those of transformers 5.23. */
const DEFAULTS = {
  vocab_size: 152064,
  hidden_size: 8192,
  intermediate_size: 29568,
  num_hidden_layers: 80,
  num_attention_heads: 64,
  hidden_act: 'silu',
  rms_norm_eps: 1e-5,
};
const KEY_VALUE_HEADS = 8;
const THETA = 1e6;
const WINDOW = 4096;
const FULL_LAYERS = 80;

/**
 * Reads text_encoder/config.json, whose text settings stand in `text_config` or, in older files, at the top. Only the keys
 * that the mathematics of text needs are read.
 *
 * Rule: transformers 5.23 `Qwen2_5_VLTextConfig`.
 *
 * @throws When a value cannot be, or needs a rule that is not built: the message names the key.
 */
export function textEncoderConfig(json: Record<string, unknown>): TextEncoderConfig {
  const given = json.text_config ?? json;
  const isObject = typeof given === 'object' && !Array.isArray(given);
  demand('text_config', 'an object', given, isObject);
  const all = given as Record<string, unknown> & TextSettings;
  const known = Object.entries(all).filter(([key]) => Object.hasOwn(DEFAULTS, key));
  const sizes = parseModelSettings(QWEN_TEXT, Object.fromEntries(known), DEFAULTS, {
    num_hidden_layers: LAYERS,
    hidden_act: { rule: 'a name', allows: (name) => typeof name === 'string' },
    rms_norm_eps: { rule: 'a number', allows: Number.isFinite },
  });
  activationNamed(QWEN_TEXT, sizes.hidden_act);
  const keyValueHeads =
    all.num_key_value_heads === null
      ? sizes.num_attention_heads
      : (all.num_key_value_heads ?? KEY_VALUE_HEADS);
  const { hidden_size: width, num_attention_heads: heads } = sizes;
  demand('hidden_size', `a multiple of num_attention_heads, ${heads}`, width, width % heads === 0);
  const divides = isCount(keyValueHeads) && heads % keyValueHeads === 0;
  const rule = `a divisor of num_attention_heads, ${heads}`;
  demand('num_key_value_heads', rule, keyValueHeads, divides);
  const headSize = width / heads;
  demand(
    'head_dim',
    `${headSize}`,
    all.head_dim,
    [headSize, null, undefined].includes(all.head_dim),
  );
  return {
    ...sizes,
    num_key_value_heads: keyValueHeads,
    rope_theta: ropeTheta(all, headSize),
    ...windows(all, sizes.num_hidden_layers),
  };
}

/** Text has one position a token, so of the rotary settings only the base is left, when the others can be. */
function ropeTheta(
  { rope_scaling: old, rope_parameters: current, rope_theta: theta }: TextSettings,
  headSize: number,
): number {
  const rope = old ?? current ?? {};
  const type = rope.rope_type ?? rope.type ?? 'default';
  demand('rope_type', '"default" or "mrope"', type, ['default', 'mrope'].includes(type));
  const { mrope_section: sections } = rope;
  const half = headSize / 2;
  const fills = (sizes: unknown) =>
    Array.isArray(sizes) &&
    sizes.every(isCount) &&
    sizes.reduce((total, size) => total + size, 0) === half;
  const isMet = sections === undefined || fills(sections);
  demand('mrope_section', `parts of half a head, ${half}`, sections, isMet);
  const base = rope.rope_theta ?? theta ?? THETA;
  demand('rope_theta', 'a number above 0', base, Number.isFinite(base) && base > 0);
  return base;
}

function windows(
  settings: TextSettings,
  layers: number,
): Pick<TextEncoderConfig, 'layer_types' | 'sliding_window'> {
  const { use_sliding_window: slides = false, max_window_layers: full = FULL_LAYERS } = settings;
  const { sliding_window: given = WINDOW } = settings;
  const window = slides ? given : null;
  const types =
    settings.layer_types ??
    Array.from({ length: layers }, (_, index) =>
      window !== null && index >= full ? 'sliding_attention' : 'full_attention',
    );
  const isType = (type: string) => ['full_attention', 'sliding_attention'].includes(type);
  const typesRule = `${layers} of "full_attention" and "sliding_attention"`;
  const areTypes = Array.isArray(types) && types.length === layers && types.every(isType);
  demand('layer_types', typesRule, types, areTypes);
  const needsWindow = types.includes('sliding_attention');
  demand('sliding_window', COUNT.rule, window, !needsWindow || isCount(window));
  return {
    layer_types: types as TextEncoderConfig['layer_types'],
    sliding_window: needsWindow ? window : null,
  };
}

function demand(key: string, rule: string, value: unknown, isMet: boolean): void {
  if (!isMet) throw invalidSetting(QWEN_TEXT, key, rule, value);
}
