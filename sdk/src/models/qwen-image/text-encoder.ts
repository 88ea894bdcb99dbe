import { tf } from '../../tensorflow';
import { rmsNorm } from '../layers';
import { loadComponent } from '../load-component';
import { EncoderWeights } from '../text-encoder/encoder-weights';
import { causalBias, checkTextInputs, type TextEncoderInputs } from '../text-encoder/text-inputs';
import { textEncoderConfig, type TextEncoderConfig } from './text-encoder-config';
import { textEncoderLayer, type TextContext } from './text-encoder-layer';
import { textRotary } from './text-encoder-rotary';

/**
 * The language model of Qwen2.5-VL, which reads Qwen-Image's prompts.
 *
 * Rule: transformers 5.23 `Qwen2_5_VLTextModel` on text alone, float32. The vision tower and the
 * language head of a checkpoint are not kept.
 *
 * @example
 * const encoder = Qwen2_5_VLTextEncoder.fromPretrained('datasets/tiny-qwen-image');
 * const states = encoder.forward({ input_ids: tf.tensor2d([[1, 2, 3]], [1, 3], 'int32') });
 * states.shape; // [1, 3, 64]
 * encoder.dispose();
 */
export class Qwen2_5_VLTextEncoder {
  /** Sizes of the text model. */
  readonly config: TextEncoderConfig;
  readonly #weights: EncoderWeights;

  /**
   * @param config text_encoder/config.json.
   * @param stateDict Checkpoint tensors by name; those of the text model are copied.
   * @throws When a tensor is missing, or the model needs a rule that is not built.
   */
  constructor(config: Record<string, unknown>, stateDict: ReadonlyMap<string, tf.Tensor>) {
    this.config = textEncoderConfig(config);
    const prefix = textModelPrefix(stateDict);
    const names = weightNames(this.config.num_hidden_layers);
    this.#weights = new EncoderWeights('Qwen2_5_VLTextEncoder', names, stateDict, prefix);
  }

  /**
   * Loads the text encoder of a pipeline directory, or a directory of its own; sharded or not.
   *
   * @throws When a file or a tensor is missing.
   */
  static fromPretrained(path: string): Qwen2_5_VLTextEncoder {
    return loadComponent(
      path,
      'text_encoder',
      (config, stateDict) => new Qwen2_5_VLTextEncoder(config, stateDict),
    );
  }

  /**
   * The last hidden states (B, L, C), after the final norm. States of padding mean nothing.
   *
   * @throws When shapes differ or an id is not in the vocabulary.
   */
  forward(inputs: TextEncoderInputs): tf.Tensor3D {
    return tf.tidy(() => this.hiddenStates(inputs).at(-1) as tf.Tensor3D);
  }

  /**
   * The hidden states (B, L, C) of every level: the embedding, then each layer's result, the last
   * one after the final norm (transformers' `output_hidden_states`).
   */
  hiddenStates({ input_ids, attention_mask = null }: TextEncoderInputs): tf.Tensor3D[] {
    checkTextInputs({ input_ids, attention_mask }, this.config.vocab_size);
    return tf.tidy(() => {
      const L = input_ids.shape[1] as number;
      const { hidden_size, num_attention_heads, num_key_value_heads, rope_theta } = this.config;
      const G = num_attention_heads / num_key_value_heads;
      const context: TextContext = {
        rotary: textRotary(L, hidden_size / num_attention_heads, rope_theta),
        bias: tf.tile(causalBias(L, attention_mask), [1, 1, G, 1]),
      };
      const states = [
        tf.gather(this.#weights.get('embed_tokens.weight'), input_ids) as tf.Tensor3D,
      ];
      for (let layer = 0; layer < this.config.num_hidden_layers; layer++) {
        const find = (name: string): tf.Tensor => this.#weights.get(`layers.${layer}.${name}`);
        states.push(textEncoderLayer(states[layer], context, this.config, find));
      }
      const last = states.pop() as tf.Tensor3D;
      const norm = this.#weights.get('norm.weight') as tf.Tensor1D;
      return [...states, rmsNorm(last, norm, this.config.rms_norm_eps)];
    });
  }

  /** Frees the weights. The encoder cannot be used afterwards. */
  dispose(): void {
    this.#weights.dispose();
  }
}

/** `model.` in published files, `model.language_model.` in those that transformers 5 may write. */
function textModelPrefix(stateDict: ReadonlyMap<string, tf.Tensor>): string {
  const end = 'embed_tokens.weight';
  const name = [...stateDict.keys()].find((key) => key.endsWith(end));
  if (name === undefined) {
    throw new Error(
      `Cannot make a Qwen2_5_VLTextEncoder as its checkpoint must hold "*${end}": current value has ${stateDict.size} other tensors`,
    );
  }
  return name.slice(0, -end.length);
}

function weightNames(layers: number): string[] {
  const inLayer = [
    'input_layernorm.weight',
    ...['q_proj', 'k_proj', 'v_proj'].flatMap((name) => [
      `self_attn.${name}.weight`,
      `self_attn.${name}.bias`,
    ]),
    'self_attn.o_proj.weight',
    'post_attention_layernorm.weight',
    'mlp.gate_proj.weight',
    'mlp.up_proj.weight',
    'mlp.down_proj.weight',
  ];
  return [
    'embed_tokens.weight',
    ...Array.from({ length: layers }, (_, layer) =>
      inLayer.map((name) => `layers.${layer}.${name}`),
    ).flat(),
    'norm.weight',
  ];
}
