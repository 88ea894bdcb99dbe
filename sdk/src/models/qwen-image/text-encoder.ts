import { tf } from '../../tensorflow';
import { MASKED, rmsNorm } from '../layers';
import { loadComponent } from '../load-component';
import { textEncoderConfig, type TextEncoderConfig } from './text-encoder-config';
import { textEncoderLayer, type TextContext } from './text-encoder-layer';
import { textRotary } from './text-encoder-rotary';

/** Token ids with their padding. */
export interface TextEncoderInputs {
  /** (B, L) int32. */
  input_ids: tf.Tensor;
  /** (B, L) int32, 1 at text and 0 at padding; all text when left out. */
  attention_mask?: tf.Tensor | null;
}

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
  readonly #weights = new Map<string, tf.Tensor>();

  /**
   * @param config text_encoder/config.json.
   * @param stateDict Checkpoint tensors by name; those of the text model are copied.
   * @throws When a tensor is missing, or the model needs a rule that is not built.
   */
  constructor(config: Record<string, unknown>, stateDict: ReadonlyMap<string, tf.Tensor>) {
    this.config = textEncoderConfig(config);
    const prefix = textModelPrefix(stateDict);
    const names = weightNames(this.config.num_hidden_layers);
    const missing = names.filter((name) => !stateDict.has(prefix + name));
    if (missing.length > 0) {
      throw new Error(
        `Cannot make a Qwen2_5_VLTextEncoder as its checkpoint must hold "${prefix}${missing[0]}": ${missing.length} of ${names.length} tensors are missing`,
      );
    }
    for (const name of names) {
      this.#weights.set(name, tf.keep((stateDict.get(prefix + name) as tf.Tensor).clone()));
    }
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
    this.#check(input_ids, attention_mask);
    return tf.tidy(() => {
      const L = input_ids.shape[1] as number;
      const { hidden_size, num_attention_heads, num_key_value_heads, rope_theta } = this.config;
      const context: TextContext = {
        rotary: textRotary(L, hidden_size / num_attention_heads, rope_theta),
        bias: attentionBias(L, attention_mask, num_attention_heads / num_key_value_heads),
      };
      const states = [tf.gather(this.#find('embed_tokens.weight'), input_ids) as tf.Tensor3D];
      for (let layer = 0; layer < this.config.num_hidden_layers; layer++) {
        const find = (name: string): tf.Tensor => this.#find(`layers.${layer}.${name}`);
        states.push(textEncoderLayer(states[layer], context, this.config, find));
      }
      const last = states.pop() as tf.Tensor3D;
      const norm = this.#find('norm.weight') as tf.Tensor1D;
      return [...states, rmsNorm(last, norm, this.config.rms_norm_eps)];
    });
  }

  /** Frees the weights. The encoder cannot be used afterwards. */
  dispose(): void {
    tf.dispose([...this.#weights.values()]);
    this.#weights.clear();
  }

  #find(name: string): tf.Tensor {
    return this.#weights.get(name) as tf.Tensor;
  }

  #check(input_ids: tf.Tensor, attention_mask: tf.Tensor | null): void {
    const shape = input_ids.shape.join(', ');
    if (input_ids.rank !== 2) {
      throw new Error(
        `Cannot encode text as input_ids must be of shape (B, L): current value is (${shape})`,
      );
    }
    if (attention_mask !== null && attention_mask.shape.join(', ') !== shape) {
      throw new Error(
        `Cannot encode text as attention_mask must have the shape of input_ids (${shape}): current value is (${attention_mask.shape.join(', ')})`,
      );
    }
    const { vocab_size } = this.config;
    const stranger = input_ids.dataSync().find((id) => id < 0 || id >= vocab_size);
    if (stranger !== undefined) {
      throw new Error(
        `Cannot encode text as ids must be 0 to ${vocab_size - 1}: current value is ${stranger}`,
      );
    }
  }
}

/** (B or 1, 1, G L, L): each token sees itself and the text before it. */
function attentionBias(L: number, mask: tf.Tensor | null, G: number): tf.Tensor4D {
  const causal = tf.linalg.bandPart(tf.ones([L, L]), -1, 0); // (L, L), 1 where query >= key
  const keys = mask === null ? null : tf.cast(mask.reshape([-1, 1, 1, L]), 'float32');
  const visible = keys === null ? causal.reshape([1, 1, L, L]) : tf.mul(keys, causal);
  return tf.tile(tf.mul(tf.sub(1, visible), MASKED), [1, 1, G, 1]) as tf.Tensor4D;
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
