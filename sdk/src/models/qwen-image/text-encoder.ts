import { tf } from '../../tensorflow';
import { rmsNorm } from '../layers';
import type { ExpectedWeights } from '../check-weights';
import { FrozenComponent, type ComponentOrigin } from '../component-origin';
import { loadComponent, type FromPretrainedOptions } from '../load-component';
import { frozenGraph } from '../frozen-graph';
import { EncoderWeights } from '../text-encoder/encoder-weights';
import { causalBias, checkTextInputs, type TextEncoderInputs } from '../text-encoder/text-inputs';
import { QWEN_TEXT, textEncoderConfig, type TextEncoderConfig } from './text-encoder-config';
import { textEncoderLayer, type TextContext } from './text-encoder-layer';
import { textRotary } from './text-encoder-rotary';

/** The vision tower, the language head, and angles that older files hold. */
const UNREAD = /(^|\.)(visual|lm_head|rotary_emb)\./;

/**
 * The language model of Qwen2.5-VL, which reads Qwen-Image's prompts.
 *
 * Rule: transformers 5.23 `Qwen2_5_VLTextModel` on text alone, float32. The vision tower and the
 * language head of a checkpoint are not read; `savePretrained` carries them over.
 *
 * @example
 * const encoder = Qwen2_5_VLTextEncoder.fromPretrained('datasets/tiny-qwen-image');
 * const states = encoder.forward({ input_ids: tf.tensor2d([[1, 2, 3]], [1, 3], 'int32') });
 * states.shape; // [1, 3, 64]
 * encoder.dispose();
 */
export class Qwen2_5_VLTextEncoder extends FrozenComponent {
  /** Sizes of the text model. */
  readonly config: TextEncoderConfig;
  readonly #weights: EncoderWeights;
  readonly #layers = frozenGraph(QWEN_TEXT, this.#runLayers.bind(this));

  /**
   * @param config text_encoder/config.json.
   * @param stateDict Checkpoint tensors by name; those of the text model are copied.
   * @param origin Where the model came from, when that was a folder.
   * @throws When a tensor is missing, unknown or of another shape, or the model needs a rule that is not built.
   */
  constructor(
    config: Record<string, unknown>,
    stateDict: ReadonlyMap<string, tf.Tensor>,
    origin?: ComponentOrigin,
  ) {
    super(['transformers', 'Qwen2_5_VLForConditionalGeneration']);
    this.config = textEncoderConfig(config);
    const names = [...stateDict.keys()];
    const expected = expectedWeights(config, names);
    this.#weights = new EncoderWeights(QWEN_TEXT, expected, stateDict, textModelPrefix(names));
    this.keepOrigin(origin, config, stateDict);
  }

  /**
   * Loads the text encoder of a pipeline directory, or a directory of its own; sharded or not.
   *
   * @throws When a file or a tensor is missing, unknown or of another shape; the message names both.
   */
  static fromPretrained(path: string, options?: FromPretrainedOptions): Qwen2_5_VLTextEncoder {
    return loadComponent(
      path,
      'text_encoder',
      {
        className: QWEN_TEXT,
        expected: expectedWeights,
        build: (...parts) => new Qwen2_5_VLTextEncoder(...parts),
      },
      options,
    );
  }

  /**
   * The last hidden states (B, L, C), after the final norm. States of padding mean nothing.
   *
   * The first call for a shape records the graph that later ones run.
   *
   * @throws When shapes differ or an id is not in the vocabulary.
   */
  forward(inputs: TextEncoderInputs): tf.Tensor3D {
    return tf.tidy(() => this.#states(false, inputs)[0]);
  }

  /**
   * The hidden states (B, L, C) of every level: the embedding, then each layer's result, the last
   * one after the final norm (transformers' `output_hidden_states`).
   */
  hiddenStates(inputs: TextEncoderInputs): tf.Tensor3D[] {
    return tf.tidy(() => this.#states(true, inputs));
  }

  /** States of every level, or of the last alone. */
  #states(all: boolean, { input_ids, attention_mask = null }: TextEncoderInputs): tf.Tensor3D[] {
    checkTextInputs({ input_ids, attention_mask }, this.config.vocab_size);
    const embedding = this.#weights.rows<tf.Tensor3D>('embed_tokens.weight', input_ids);
    return this.#layers.run(all, embedding, attention_mask);
  }

  #runLayers(all: boolean, embedding: tf.Tensor3D, mask: tf.Tensor | null): tf.Tensor3D[] {
    const L = embedding.shape[1];
    const { hidden_size, num_attention_heads, num_key_value_heads, rope_theta } = this.config;
    const G = num_attention_heads / num_key_value_heads;
    const rotary = textRotary(L, hidden_size / num_attention_heads, rope_theta);
    const contextOf = (window: number | null): TextContext => ({
      rotary,
      bias: tf.tile(causalBias(L, mask, window), [1, 1, G, 1]),
    });
    const { sliding_window: window, layer_types: types } = this.config;
    const full = contextOf(null);
    const sliding = window === null ? full : contextOf(window);
    const states = [embedding];
    for (let layer = 0; layer < this.config.num_hidden_layers; layer++) {
      const find = (name: string): tf.Tensor => this.#weights.get(`layers.${layer}.${name}`);
      const context = types[layer] === 'full_attention' ? full : sliding;
      states.push(textEncoderLayer(states[layer], context, this.config, find));
    }
    const norm = this.#weights.get('norm.weight') as tf.Tensor1D;
    const last = rmsNorm(states.pop() as tf.Tensor3D, norm, this.config.rms_norm_eps);
    return all ? [...states, last] : [last];
  }

  /** Frees the weights. The encoder cannot be used afterwards. */
  override dispose(): void {
    super.dispose();
    this.#layers.dispose();
    this.#weights.dispose();
  }
}

/** `model.` in published files, `model.language_model.` in those that transformers 5 may write. */
function textModelPrefix(names: readonly string[]): string {
  const end = 'embed_tokens.weight';
  const name = names.find((key) => key.endsWith(end));
  if (name === undefined) {
    throw new Error(
      `Cannot make a ${QWEN_TEXT} as its checkpoint must hold "*${end}": current value has ${names.length} other tensors`,
    );
  }
  return name.slice(0, -end.length);
}

/** The tensors that the model reads, of a checkpoint with these settings and names. */
export function expectedWeights(
  json: Record<string, unknown>,
  names: readonly string[],
): ExpectedWeights {
  const prefix = textModelPrefix(names);
  const shapes = weightShapes(textEncoderConfig(json));
  return {
    shapes: new Map(shapes.map(([name, shape]) => [prefix + name, shape])),
    unread: UNREAD,
  };
}

function weightShapes(config: TextEncoderConfig): [name: string, shape: number[]][] {
  const { hidden_size: C, intermediate_size: inner, num_key_value_heads: groups } = config;
  const keys = (C / config.num_attention_heads) * groups;
  const inLayer: [string, number[]][] = [
    ['input_layernorm.weight', [C]],
    ['self_attn.q_proj.weight', [C, C]],
    ['self_attn.q_proj.bias', [C]],
    ['self_attn.k_proj.weight', [keys, C]],
    ['self_attn.k_proj.bias', [keys]],
    ['self_attn.v_proj.weight', [keys, C]],
    ['self_attn.v_proj.bias', [keys]],
    ['self_attn.o_proj.weight', [C, C]],
    ['post_attention_layernorm.weight', [C]],
    ['mlp.gate_proj.weight', [inner, C]],
    ['mlp.up_proj.weight', [inner, C]],
    ['mlp.down_proj.weight', [C, inner]],
  ];
  return [
    ['embed_tokens.weight', [config.vocab_size, C]],
    ...Array.from({ length: config.num_hidden_layers }, (_, layer) =>
      inLayer.map(([name, shape]): [string, number[]] => [`layers.${layer}.${name}`, shape]),
    ).flat(),
    ['norm.weight', [C]],
  ];
}
