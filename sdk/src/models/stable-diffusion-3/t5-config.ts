import { LAYERS, invalidSetting, isCount, parseModelSettings } from '../model-settings';
import { activationNamed, type Activation } from '../text-encoder/activation';

/** What T5's encoder needs to know, under transformers' keys. */
export interface T5Config {
  vocab_size: number;
  /** Width of the states. */
  d_model: number;
  /** Width of a head. */
  d_kv: number;
  /** Width inside the feed-forward layers. */
  d_ff: number;
  num_layers: number;
  num_heads: number;
  /** Distances are sorted into so many buckets. */
  relative_attention_num_buckets: number;
  /** Distances from here on share the last bucket. */
  relative_attention_max_distance: number;
  layer_norm_epsilon: number;
  /** An activation's name; with `gated-` before it, it gates a second projection. */
  feed_forward_proj: string;
}

export const T5 = 'T5EncoderModel';

const DEFAULTS: T5Config = {
  vocab_size: 32128,
  d_model: 512,
  d_kv: 64,
  d_ff: 2048,
  num_layers: 6,
  num_heads: 8,
  relative_attention_num_buckets: 32,
  relative_attention_max_distance: 128,
  layer_norm_epsilon: 1e-6,
  feed_forward_proj: 'relu',
};

/**
 * Reads T5's config.json: transformers' defaults, and only the keys that the encoder's mathematics needs.
 *
 * @throws When a value cannot be; the message names the key.
 */
export function t5Config(json: Record<string, unknown>): T5Config {
  const known = Object.entries(json).filter(([key]) => Object.hasOwn(DEFAULTS, key));
  const isBuckets = (value: unknown) => isCount(value) && value >= 4;
  const config = parseModelSettings(T5, Object.fromEntries(known), DEFAULTS, {
    num_layers: LAYERS,
    relative_attention_num_buckets: { rule: 'a whole number from 4', allows: isBuckets },
    layer_norm_epsilon: { rule: 'a number', allows: Number.isFinite },
    feed_forward_proj: { rule: 'a name', allows: (name) => typeof name === 'string' },
  });
  feedForwardKind(config);
  const { relative_attention_num_buckets: buckets, relative_attention_max_distance: longest } =
    config;
  const nearest = Math.floor(Math.floor(buckets / 2) / 2);
  if (longest <= nearest) {
    const rule = `more than the ${nearest} distances that have a bucket each`;
    throw invalidSetting(T5, 'relative_attention_max_distance', rule, longest);
  }
  return config;
}

/** The activation of the feed-forward layers, and whether it gates. */
export function feedForwardKind({ feed_forward_proj: name }: T5Config): {
  activation: Activation;
  isGated: boolean;
} {
  const isGated = name.startsWith('gated-');
  // transformers' name for the tanh form is "gelu_new"; this setting alone calls it "gelu".
  const activation = name === 'gated-gelu' ? 'gelu_new' : name.slice(isGated ? 6 : 0);
  return { activation: activationNamed(T5, activation), isGated };
}
