import { tf } from '../../tensorflow';
import { attention, headsFirst, joinHeads, rmsNorm, splitHeads } from '../layers';
import type { ExpectedWeights } from '../check-weights';
import { FrozenComponent, type ComponentOrigin } from '../component-origin';
import { loadComponent, type FromPretrainedOptions } from '../load-component';
import { frozenGraph } from '../frozen-graph';
import { EncoderWeights } from '../text-encoder/encoder-weights';
import { checkTextInputs, paddingBias, type TextEncoderInputs } from '../text-encoder/text-inputs';
import { feedForwardKind, T5, t5Config, type T5Config } from './t5-config';
import { t5PositionBias } from './t5-position-bias';

const POSITIONS = 'encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight';

/** The embedding has two names in files, of which some have only one. */
const EMBEDDINGS = ['shared.weight', 'encoder.embed_tokens.weight'];

/** The embedding's other name, and the other half of a T5 model. */
const UNREAD = /^(encoder\.embed_tokens\.weight$|decoder\.|lm_head\.)/;

/**
 * T5's encoder (Raffel et al. 2020, arXiv 1910.10683), the third text encoder of Stable Diffusion 3.
 *
 * Rule: transformers 5.23 `T5EncoderModel`, float32.
 *
 * @example
 * const encoder = T5EncoderModel.fromPretrained('test/golden/models/tiny-sd3');
 * const states = encoder.forward({ input_ids: tf.tensor2d([[11, 19, 1]], [1, 3], 'int32') });
 * states.shape; // [1, 3, 48]
 * encoder.dispose();
 */
export class T5EncoderModel extends FrozenComponent {
  readonly config: T5Config;
  readonly #weights: EncoderWeights;
  readonly #embedding: string;
  readonly #blocks = frozenGraph(T5, this.#runBlocks.bind(this));

  /**
   * @param config text_encoder_3/config.json.
   * @param stateDict Checkpoint tensors by name; those of the encoder are copied.
   * @param origin Where the model came from, when that was a folder.
   * @throws When a setting cannot be, or a tensor is missing, unknown or of another shape.
   */
  constructor(
    config: Record<string, unknown>,
    stateDict: ReadonlyMap<string, tf.Tensor>,
    origin?: ComponentOrigin,
  ) {
    super(['transformers', T5]);
    this.config = t5Config(config);
    const names = [...stateDict.keys()];
    this.#embedding = embeddingName(names);
    this.#weights = new EncoderWeights(T5, expectedWeights(config, names), stateDict);
    this.keepOrigin(origin, config, stateDict);
  }

  /**
   * Loads the text encoder of a pipeline directory, or a directory of its own; sharded or not.
   *
   * @param component The folder in a pipeline. Default `text_encoder_3`.
   * @throws When a file or a tensor is missing, unknown or of another shape; the message names both.
   */
  static fromPretrained(
    path: string,
    component = 'text_encoder_3',
    options?: FromPretrainedOptions,
  ): T5EncoderModel {
    return loadComponent(
      path,
      component,
      {
        className: T5,
        expected: expectedWeights,
        build: (...parts) => new T5EncoderModel(...parts),
      },
      options,
    );
  }

  /**
   * The last hidden states (B, L, d_model), after the final norm.
   *
   * @throws When shapes differ or an id is not in the vocabulary.
   */
  forward({ input_ids, attention_mask = null }: TextEncoderInputs): tf.Tensor3D {
    checkTextInputs({ input_ids, attention_mask }, this.config.vocab_size);
    return tf.tidy(() => {
      const table = this.#weights.wide<tf.Tensor2D>(POSITIONS);
      const distances = t5PositionBias(table, input_ids.shape[1] as number, this.config);
      const bias =
        attention_mask === null ? distances : tf.add(distances, paddingBias(attention_mask));
      const embedding = this.#weights.rows<tf.Tensor3D>(this.#embedding, input_ids);
      return this.#blocks.run(embedding, bias);
    });
  }

  /** Frees the weights. The encoder cannot be used afterwards. */
  override dispose(): void {
    super.dispose();
    this.#blocks.dispose();
    this.#weights.dispose();
  }

  #runBlocks(embedding: tf.Tensor3D, bias: tf.Tensor): tf.Tensor3D {
    let states = embedding;
    for (let block = 0; block < this.config.num_layers; block++) {
      const x = states;
      const path = `encoder.block.${block}.layer`;
      states = tf.tidy(() => this.#feedForward(this.#attend(x, `${path}.0`, bias), `${path}.1`));
    }
    return this.#norm('encoder.final_layer_norm', states);
  }

  /** x + attention(norm(x)), with scores that are not divided by the width of a head */
  #attend(x: tf.Tensor3D, path: string, bias: tf.Tensor): tf.Tensor3D {
    const y = this.#norm(`${path}.layer_norm`, x);
    const [q, k, v] = ['q', 'k', 'v'].map((name) => {
      const projected = this.#weights.linear(`${path}.SelfAttention.${name}`, y);
      return headsFirst([splitHeads(projected, this.config.num_heads)]);
    });
    const scaled = tf.mul<tf.Tensor4D>(q, Math.sqrt(this.config.d_kv));
    const attended = joinHeads(attention(scaled, k, v, bias));
    return tf.add(x, this.#weights.linear(`${path}.SelfAttention.o`, attended));
  }

  /** x + MLP(norm(x)) */
  #feedForward(x: tf.Tensor3D, path: string): tf.Tensor3D {
    const { activation, isGated } = feedForwardKind(this.config);
    const y = this.#norm(`${path}.layer_norm`, x);
    const project = (name: string) => this.#weights.linear(`${path}.DenseReluDense.${name}`, y);
    const inner = isGated
      ? tf.mul<tf.Tensor3D>(activation(project('wi_0')), project('wi_1'))
      : activation(project('wi'));
    return tf.add(x, this.#weights.linear(`${path}.DenseReluDense.wo`, inner));
  }

  #norm(path: string, x: tf.Tensor3D): tf.Tensor3D {
    const weight = this.#weights.get<tf.Tensor1D>(`${path}.weight`);
    return rmsNorm(x, weight, this.config.layer_norm_epsilon);
  }
}

function embeddingName(names: readonly string[]): string {
  return EMBEDDINGS.find((name) => names.includes(name)) ?? EMBEDDINGS[0];
}

/** The tensors that the model reads, of a checkpoint with these settings and names. */
export function expectedWeights(
  json: Record<string, unknown>,
  names: readonly string[],
): ExpectedWeights {
  const config = t5Config(json);
  const { d_model: C, d_ff: inner, num_heads: heads } = config;
  const attended = heads * config.d_kv;
  const inBlock: [string, number[]][] = [
    ['0.layer_norm', [C]],
    ...['q', 'k', 'v'].map((name): [string, number[]] => [
      `0.SelfAttention.${name}`,
      [attended, C],
    ]),
    ['0.SelfAttention.o', [C, attended]],
    ['1.layer_norm', [C]],
    ...(feedForwardKind(config).isGated ? ['wi_0', 'wi_1'] : ['wi']).map(
      (name): [string, number[]] => [`1.DenseReluDense.${name}`, [inner, C]],
    ),
    ['1.DenseReluDense.wo', [C, inner]],
  ];
  const shapes = new Map<string, number[]>([
    [embeddingName(names), [config.vocab_size, C]],
    [POSITIONS, [config.relative_attention_num_buckets, heads]],
    ...Array.from({ length: config.num_layers }, (_, block) =>
      inBlock.map(([name, shape]): [string, number[]] => [
        `encoder.block.${block}.layer.${name}.weight`,
        shape,
      ]),
    ).flat(),
    ['encoder.final_layer_norm.weight', [C]],
  ]);
  return { shapes, unread: UNREAD };
}
