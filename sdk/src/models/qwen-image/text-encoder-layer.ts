import { tf } from '../../tensorflow';
import { attention, linear, rmsNorm } from '../layers';
import { activationNamed } from '../text-encoder/activation';
import { QWEN_TEXT, type TextEncoderConfig } from './text-encoder-config';
import { rotateHalves, type TextRotary } from './text-encoder-rotary';

/** Finds a weight of the text model by its name below the model's prefix. */
export type FindWeight = (name: string) => tf.Tensor;

/** What all layers of one call share. */
export interface TextContext {
  rotary: TextRotary;
  /** (B, 1, G L, L), G query heads a key head: MASKED where a token may not look. */
  bias: tf.Tensor4D;
}

/** One decoder layer: x + attention(norm(x)), then x + MLP(norm(x)), on x (B, L, C). */
export function textEncoderLayer(
  x: tf.Tensor3D,
  { rotary, bias }: TextContext,
  config: TextEncoderConfig,
  find: FindWeight,
): tf.Tensor3D {
  const matrix = (name: string): tf.Tensor2D => find(`${name}.weight`) as tf.Tensor2D;
  const vector = (name: string): tf.Tensor1D => find(name) as tf.Tensor1D;
  const { num_attention_heads, num_key_value_heads: heads, rms_norm_eps: epsilon } = config;
  const activation = activationNamed(QWEN_TEXT, config.hidden_act);
  const [B, L, C] = x.shape;
  const D = C / num_attention_heads;
  const G = num_attention_heads / heads;

  const attend = (y: tf.Tensor3D): tf.Tensor3D => {
    // Query heads that share a key head lie one after another, as if they were more tokens.
    const project = (name: string, groups: number): tf.Tensor4D =>
      linear(y, matrix(`self_attn.${name}`), vector(`self_attn.${name}.bias`))
        .reshape([B, L, heads, groups, D])
        .transpose([0, 2, 3, 1, 4]) // (B, heads, groups, L, D)
        .reshape([B, heads * groups, L, D]);
    const q = rotateHalves(project('q_proj', G), rotary).reshape<tf.Tensor4D>([B, heads, G * L, D]);
    const k = rotateHalves(project('k_proj', 1), rotary);
    const out = attention(q, k, project('v_proj', 1), bias) // (B, heads, G L, D)
      .reshape([B, heads * G, L, D])
      .transpose([0, 2, 1, 3])
      .reshape<tf.Tensor3D>([B, L, C]);
    return linear(out, matrix('self_attn.o_proj'), null);
  };
  const mlp = (y: tf.Tensor3D): tf.Tensor3D => {
    const gate = activation(linear(y, matrix('mlp.gate_proj'), null));
    return linear(
      tf.mul(gate, linear(y, matrix('mlp.up_proj'), null)),
      matrix('mlp.down_proj'),
      null,
    );
  };

  return tf.tidy(() => {
    const h = tf.add(x, attend(rmsNorm(x, vector('input_layernorm.weight'), epsilon)));
    const y = mlp(rmsNorm(h as tf.Tensor3D, vector('post_attention_layernorm.weight'), epsilon));
    return tf.add(h, y);
  });
}
