import { tf } from '../../tensorflow';
import { attention, headsFirst, joinHeads, layerNorm, splitHeads } from '../layers';
import type { ExpectedWeights } from '../check-weights';
import { FrozenComponent, type ComponentOrigin } from '../component-origin';
import { loadComponent, type FromPretrainedOptions } from '../load-component';
import { activationNamed } from '../text-encoder/activation';
import { frozenGraph } from '../frozen-graph';
import { EncoderWeights } from '../text-encoder/encoder-weights';
import { causalBias, checkTextInputs, type TextEncoderInputs } from '../text-encoder/text-inputs';
import { CLIP, clipTextConfig, type CLIPTextConfig } from './clip-config';

/** Whole numbers that older files hold, and the other half of a CLIP model. */
const UNREAD = /(^|\.)(position_ids$|vision_model\.|visual_projection\.|logit_scale$)/;

/** What CLIP's text model says of texts. The owner disposes all tensors. */
export interface CLIPTextOutput {
  /** (B, projection_dim): the state of each text's end token, projected. */
  text_embeds: tf.Tensor2D;
  /** (B, L, C), after the final norm. */
  last_hidden_state: tf.Tensor3D;
  /** (B, L, C) each: the embedding, then every layer's result before the final norm. */
  hidden_states: tf.Tensor3D[];
}

/**
 * CLIP's text model with its projection (Radford et al. 2021, arXiv 2103.00020). Stable Diffusion 3 has two.
 *
 * Rule: transformers 5.23 `CLIPTextModelWithProjection`, float32.
 *
 * @example
 * const encoder = CLIPTextModelWithProjection.fromPretrained('test/golden/models/tiny-sd3');
 * const output = encoder.forward({ input_ids: tf.tensor2d([[1097, 320, 1098]], [1, 3], 'int32') });
 * output.text_embeds.shape; // [1, 16]
 * encoder.dispose();
 */
export class CLIPTextModelWithProjection extends FrozenComponent {
  readonly config: CLIPTextConfig;
  readonly #weights: EncoderWeights;
  readonly #layers = frozenGraph(CLIP, this.#runLayers.bind(this));

  /**
   * @param config text_encoder/config.json.
   * @param stateDict Checkpoint tensors by name; they are copied and stay the caller's.
   * @param origin Where the model came from, when that was a folder.
   * @throws When a setting cannot be, or a tensor is missing, unknown or of another shape.
   */
  constructor(
    config: Record<string, unknown>,
    stateDict: ReadonlyMap<string, tf.Tensor>,
    origin?: ComponentOrigin,
  ) {
    super(['transformers', CLIP]);
    this.config = clipTextConfig(config);
    this.#weights = new EncoderWeights(CLIP, expectedWeights(config), stateDict);
    this.keepOrigin(origin, config, stateDict);
  }

  /**
   * Loads the text encoder of a pipeline directory, or a directory of its own; sharded or not.
   *
   * @param component The folder in a pipeline. Default `text_encoder`; the second one is `text_encoder_2`.
   * @throws When a file or a tensor is missing, unknown or of another shape; the message names both.
   */
  static fromPretrained(
    path: string,
    component = 'text_encoder',
    options?: FromPretrainedOptions,
  ): CLIPTextModelWithProjection {
    return loadComponent(
      path,
      component,
      {
        className: CLIP,
        expected: expectedWeights,
        build: (...parts) => new CLIPTextModelWithProjection(...parts),
      },
      options,
    );
  }

  /**
   * Encodes texts. Each token sees itself and what is before it.
   *
   * @throws When shapes differ, a text is too long or an id is not in the vocabulary.
   */
  forward({ input_ids, attention_mask = null }: TextEncoderInputs): CLIPTextOutput {
    checkTextInputs({ input_ids, attention_mask }, this.config.vocab_size);
    const L = input_ids.shape[1] as number;
    const { max_position_embeddings: longest } = this.config;
    if (L > longest) {
      throw new Error(
        `Cannot encode text as it must have at most ${longest} tokens: current value is ${L}`,
      );
    }
    return tf.tidy(() => {
      const states = this.#layers.run(this.#embed(input_ids, L), attention_mask);
      const normed = states[states.length - 1];
      const pooled = tf.squeeze<tf.Tensor2D>(
        tf.gather(normed, this.#ends(input_ids).expandDims(1), 1, 1),
        [1],
      );
      return {
        text_embeds: this.#weights.linear('text_projection', pooled),
        last_hidden_state: normed,
        hidden_states: states.slice(0, -1),
      };
    });
  }

  /** Frees the weights. The encoder cannot be used afterwards. */
  override dispose(): void {
    super.dispose();
    this.#layers.dispose();
    this.#weights.dispose();
  }

  #embed(ids: tf.Tensor, L: number): tf.Tensor3D {
    const path = 'text_model.embeddings';
    const tokens = this.#weights.rows<tf.Tensor3D>(`${path}.token_embedding.weight`, ids);
    const positions = this.#weights.wide<tf.Tensor2D>(`${path}.position_embedding.weight`);
    return tf.add(tokens, positions.slice([0], [L]));
  }

  /** The embedding, each layer's result, and the last one after the final norm. */
  #runLayers(embedding: tf.Tensor3D, mask: tf.Tensor | null): tf.Tensor3D[] {
    const bias = causalBias(embedding.shape[1], mask);
    const states = [embedding];
    for (let layer = 0; layer < this.config.num_hidden_layers; layer++) {
      const path = `text_model.encoder.layers.${layer}`;
      states.push(tf.tidy(() => this.#layer(states[layer], path, bias)));
    }
    const last = states[states.length - 1];
    const epsilon = this.config.layer_norm_eps;
    return [...states, this.#norm('text_model.final_layer_norm', last, epsilon)];
  }

  /** x + attention(norm(x)), then x + MLP(norm(x)) */
  #layer(x: tf.Tensor3D, path: string, bias: tf.Tensor4D): tf.Tensor3D {
    const { num_attention_heads: heads, layer_norm_eps: epsilon, hidden_act } = this.config;
    const activation = activationNamed(CLIP, hidden_act);
    const y = this.#norm(`${path}.layer_norm1`, x, epsilon);
    const [q, k, v] = ['q_proj', 'k_proj', 'v_proj'].map((name) =>
      headsFirst([splitHeads(this.#weights.linear(`${path}.self_attn.${name}`, y), heads)]),
    );
    const attended = joinHeads(attention(q, k, v, bias));
    const h = tf.add<tf.Tensor3D>(x, this.#weights.linear(`${path}.self_attn.out_proj`, attended));
    const normed = this.#norm(`${path}.layer_norm2`, h, epsilon);
    const inner = activation(this.#weights.linear(`${path}.mlp.fc1`, normed));
    return tf.add(h, this.#weights.linear(`${path}.mlp.fc2`, inner));
  }

  #norm(path: string, x: tf.Tensor3D, epsilon: number): tf.Tensor3D {
    const weight = this.#weights.get<tf.Tensor1D>(`${path}.weight`);
    return layerNorm(x, weight, this.#weights.get<tf.Tensor1D>(`${path}.bias`), epsilon);
  }

  /** Where each text ends, (B): at its first end token, or at its largest id. */
  #ends(ids: tf.Tensor): tf.Tensor1D {
    const { eos_token_id: end } = this.config;
    return tf.argMax(end === 2 ? ids : tf.cast(tf.equal(ids, end), 'int32'), 1);
  }
}

/** The tensors that the model reads, of a checkpoint with these settings and names. */
export function expectedWeights(json: Record<string, unknown>): ExpectedWeights {
  const config = clipTextConfig(json);
  const { hidden_size: C, intermediate_size: inner } = config;
  const both = (path: string, shape: number[]): [string, number[]][] => [
    [`${path}.weight`, shape],
    [`${path}.bias`, [shape[0]]],
  ];
  const inLayer = [
    ...['layer_norm1', 'layer_norm2'].flatMap((name) => both(name, [C])),
    ...both('mlp.fc1', [inner, C]),
    ...both('mlp.fc2', [C, inner]),
    ...['q_proj', 'k_proj', 'v_proj', 'out_proj'].flatMap((name) =>
      both(`self_attn.${name}`, [C, C]),
    ),
  ];
  const shapes = new Map<string, number[]>([
    ['text_model.embeddings.token_embedding.weight', [config.vocab_size, C]],
    ['text_model.embeddings.position_embedding.weight', [config.max_position_embeddings, C]],
    ...Array.from({ length: config.num_hidden_layers }, (_, layer) =>
      inLayer.map(([name, shape]): [string, number[]] => [
        `text_model.encoder.layers.${layer}.${name}`,
        shape,
      ]),
    ).flat(),
    ...both('text_model.final_layer_norm', [C]),
    ['text_projection.weight', [config.projection_dim, C]],
  ]);
  return { shapes, unread: UNREAD };
}
