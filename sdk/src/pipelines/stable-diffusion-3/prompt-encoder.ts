import { openModelDirectory } from '../../io/model-directory';
import {
  assemblePromptEmbeddings,
  CLIPTextModelWithProjection,
  T5EncoderModel,
  type CLIPPromptStates,
  type SD3PromptEmbeddings,
} from '../../models';
import { tf } from '../../tensorflow';
import { CLIPTokenizer, T5Tokenizer } from '../../tokenizers';

/** How prompts are encoded. */
export interface SD3PromptOptions {
  /** Tokens of T5, padding included. Default 256. */
  maxSequenceLength?: number;
  /** Layers at CLIP's end to leave out besides the last one. Default 0. */
  clipSkip?: number;
  /** Prompts for the second CLIP model, one for each. Default: the prompts. */
  prompts2?: readonly string[];
  /** Prompts for T5, one for each. Default: the prompts. */
  prompts3?: readonly string[];
}

/** T5 may be missing from a folder; its tokens are zeros then. */
interface T5Parts {
  tokenizer: T5Tokenizer;
  model: T5EncoderModel;
}

interface CLIPParts {
  tokenizer: CLIPTokenizer;
  model: CLIPTextModelWithProjection;
}

/**
 * The three text encoders of Stable Diffusion 3 with their tokenizers. Padding is encoded like text, without a mask.
 *
 * Rule: diffusers 0.42.1 `StableDiffusion3Pipeline.encode_prompt`.
 *
 * @example
 * const encoder = SD3PromptEncoder.fromPretrained('test/golden/models/tiny-sd3');
 * const { prompt_embeds } = encoder.encode(['a red fox'], { maxSequenceLength: 32 });
 * prompt_embeds.shape; // [1, 109, 48]
 * encoder.dispose();
 */
export class SD3PromptEncoder {
  readonly #clip: readonly [CLIPParts, CLIPParts];
  readonly #t5: T5Parts | null;
  readonly #width: number;

  /** @param width Width of the transformer's prompt embeddings, `joint_attention_dim`. */
  constructor(clip: readonly [CLIPParts, CLIPParts], t5: T5Parts | null, width: number) {
    this.#clip = clip;
    this.#t5 = t5;
    this.#width = width;
  }

  /** Loads the tokenizers and text encoders of a pipeline's folder. */
  static fromPretrained(path: string): SD3PromptEncoder {
    const directory = openModelDirectory(path);
    const clip = (suffix: string): CLIPParts => ({
      tokenizer: CLIPTokenizer.fromPretrained(path, `tokenizer${suffix}`),
      model: CLIPTextModelWithProjection.fromPretrained(path, `text_encoder${suffix}`),
    });
    const hasT5 = Object.hasOwn(directory.components, 'text_encoder_3');
    const t5 = hasT5
      ? { tokenizer: T5Tokenizer.fromPretrained(path), model: T5EncoderModel.fromPretrained(path) }
      : null;
    const width = Number(directory.config('transformer').joint_attention_dim);
    return new SD3PromptEncoder([clip(''), clip('_2')], t5, width);
  }

  /**
   * Encodes prompts; the caller disposes the embeddings. Texts that are too long are cut.
   *
   * @returns `prompt_embeds` (B, 77 + maxSequenceLength, D) and `pooled_prompt_embeds` (B, P).
   * @throws When the lists of prompts differ in length.
   */
  encode(
    prompts: readonly string[],
    {
      maxSequenceLength = 256,
      clipSkip = 0,
      prompts2 = prompts,
      prompts3 = prompts,
    }: SD3PromptOptions = {},
  ): SD3PromptEmbeddings {
    if (prompts2.length !== prompts.length || prompts3.length !== prompts.length) {
      throw new Error(
        `Cannot encode prompts as prompts2 and prompts3 must have ${prompts.length} each: current value is ${prompts2.length} and ${prompts3.length}`,
      );
    }
    return tf.tidy(() => {
      // Both CLIP models go by the first tokenizer.
      const length = this.#clip[0].tokenizer.modelMaxLength;
      const first = clipStates(this.#clip[0], prompts, length, clipSkip);
      const second = clipStates(this.#clip[1], prompts2, length, clipSkip);
      const t5 = this.#encodeT5(prompts3, maxSequenceLength);
      return { ...assemblePromptEmbeddings(first, second, t5) };
    });
  }

  /** Frees the weights. The encoder cannot be used afterwards. */
  dispose(): void {
    for (const { model } of this.#clip) model.dispose();
    this.#t5?.model.dispose();
  }

  #encodeT5(prompts: readonly string[], length: number): tf.Tensor3D {
    if (this.#t5 === null) return tf.zeros([prompts.length, length, this.#width]);
    return this.#t5.model.forward({ input_ids: paddedIds(this.#t5.tokenizer, prompts, length) });
  }
}

/** The states before the last layer and the pooled embedding. */
function clipStates(
  { tokenizer, model }: CLIPParts,
  prompts: readonly string[],
  length: number,
  skip: number,
): CLIPPromptStates {
  const output = model.forward({ input_ids: paddedIds(tokenizer, prompts, length) });
  const states = output.hidden_states.at(-(skip + 2));
  if (states === undefined) {
    throw new Error(
      `Cannot encode prompts as clipSkip must leave a layer of ${output.hidden_states.length - 1}: current value is ${skip}`,
    );
  }
  return { states, pooled: output.text_embeds };
}

/** (B, length) int32 */
function paddedIds(
  tokenizer: CLIPTokenizer | T5Tokenizer,
  prompts: readonly string[],
  length: number,
): tf.Tensor2D {
  const { input_ids } = tokenizer.batch(prompts, {
    padding: 'max_length',
    maxLength: length,
    truncation: true,
  });
  return tf.tensor2d(input_ids, [prompts.length, length], 'int32');
}
