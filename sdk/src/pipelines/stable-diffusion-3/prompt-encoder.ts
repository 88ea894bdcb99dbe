import { openModelDirectory } from '../../io/model-directory';
import {
  assemblePromptEmbeddings,
  CLIPTextModelWithProjection,
  T5EncoderModel,
  type CLIPPromptStates,
  type FromPretrainedOptions,
  type SD3PromptEmbeddings,
} from '../../models';
import { tf } from '../../tensorflow';
import { CLIPTokenizer, T5Tokenizer } from '../../tokenizers';
import type { EncoderTokens } from '../rollout-request';
import { checkEncoding } from '../rollout-rules';
import type { SavableComponent } from '../save-pipeline';
import { variantOf } from '../variant-of';

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

  /**
   * Loads the tokenizers and text encoders of a pipeline's folder.
   *
   * @param options.variant Weights of this variant where a part has them, as diffusers chooses.
   * @param options.dtype What the encoders compute in. Default `float32`.
   */
  static fromPretrained(
    path: string,
    { variant, dtype }: FromPretrainedOptions = {},
  ): SD3PromptEncoder {
    const directory = openModelDirectory(path);
    const filesOf = variantOf(directory, variant);
    const files = (component: string) => ({ ...filesOf(component), dtype });
    const clip = (suffix: string): CLIPParts => ({
      tokenizer: CLIPTokenizer.fromPretrained(path, `tokenizer${suffix}`),
      model: CLIPTextModelWithProjection.fromPretrained(
        path,
        `text_encoder${suffix}`,
        files(`text_encoder${suffix}`),
      ),
    });
    const hasT5 = Object.hasOwn(directory.components, 'text_encoder_3');
    const t5 = hasT5
      ? {
          tokenizer: T5Tokenizer.fromPretrained(path),
          model: T5EncoderModel.fromPretrained(path, 'text_encoder_3', files('text_encoder_3')),
        }
      : null;
    const width = Number(directory.config('transformer').joint_attention_dim);
    return new SD3PromptEncoder([clip(''), clip('_2')], t5, width);
  }

  /**
   * Encodes prompts; the caller disposes the embeddings. Texts that are too long are cut.
   *
   * @returns `prompt_embeds` (B, 77 + maxSequenceLength, D) and `pooled_prompt_embeds` (B, P).
   * @throws When there are no prompts, or their lists differ in length.
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
    checkEncoding(prompts.length, maxSequenceLength);
    if (prompts2.length !== prompts.length || prompts3.length !== prompts.length) {
      throw new Error(
        `Cannot encode prompts as prompts2 and prompts3 must have ${prompts.length} each: current value is ${prompts2.length} and ${prompts3.length}`,
      );
    }
    const pad = (
      tokenizer: CLIPTokenizer | T5Tokenizer,
      texts: readonly string[],
      length: number,
    ) =>
      tokenizer.batch(texts, { padding: 'max_length', maxLength: length, truncation: true })
        .input_ids;
    const [first, second] = this.#clip;
    return this.#encodeIds(
      pad(first.tokenizer, prompts, this.#clipLength),
      pad(second.tokenizer, prompts2, this.#clipLength),
      this.#t5 && pad(this.#t5.tokenizer, prompts3, maxSequenceLength),
      maxSequenceLength,
      clipSkip,
    );
  }

  /**
   * Encodes prompts that are tokens already; the caller disposes the embeddings. Each text encoder pads
   * with its own tokenizer's token, and rows that are too long are cut.
   *
   * @param tokens For each prompt, unpadded ids by 'clip' (both CLIP models read the same) and 't5'.
   * @throws When there are no prompts, or one lacks one of them; the message names it.
   */
  encodeTokens(
    tokens: readonly EncoderTokens[],
    {
      maxSequenceLength = 256,
      clipSkip = 0,
    }: Pick<SD3PromptOptions, 'maxSequenceLength' | 'clipSkip'> = {},
  ): SD3PromptEmbeddings {
    checkEncoding(tokens.length, maxSequenceLength);
    const pad = ({ padTokenId }: CLIPTokenizer | T5Tokenizer, name: string, length: number) =>
      tokens.map((ids, row) => {
        if (!Array.isArray(ids[name])) {
          throw new Error(
            `Cannot encode prompts as tokens must be lists of ids for clip and t5: current value of ${name} at prompt ${row} is ${JSON.stringify(ids[name])}`,
          );
        }
        const kept = (ids[name] as number[]).slice(0, length);
        return [...kept, ...Array<number>(length - kept.length).fill(padTokenId)];
      });
    const [first, second] = this.#clip;
    return this.#encodeIds(
      pad(first.tokenizer, 'clip', this.#clipLength),
      pad(second.tokenizer, 'clip', this.#clipLength),
      this.#t5 && pad(this.#t5.tokenizer, 't5', maxSequenceLength),
      maxSequenceLength,
      clipSkip,
    );
  }

  /** Tokens that both CLIP models read: they go by the first tokenizer. */
  get #clipLength(): number {
    return this.#clip[0].tokenizer.modelMaxLength;
  }

  #encodeIds(
    firstIds: number[][],
    secondIds: number[][],
    t5Ids: number[][] | null,
    t5Length: number,
    clipSkip: number,
  ): SD3PromptEmbeddings {
    return tf.tidy(() => {
      const first = clipStates(this.#clip[0].model, firstIds, clipSkip);
      const second = clipStates(this.#clip[1].model, secondIds, clipSkip);
      const t5 =
        this.#t5 && t5Ids
          ? this.#t5.model.forward({ input_ids: idTensor(t5Ids) })
          : tf.zeros<tf.Rank.R3>([firstIds.length, t5Length, this.#width]);
      return { ...assemblePromptEmbeddings(first, second, t5) };
    });
  }

  /** The tokenizers and text encoders by diffusers' names, for `savePipeline`. */
  components(): Record<string, SavableComponent> {
    const parts = [...this.#clip, ...(this.#t5 === null ? [] : [this.#t5])];
    const named = parts.flatMap(({ tokenizer, model }, index) => {
      const suffix = index === 0 ? '' : `_${index + 1}`;
      return [
        [`tokenizer${suffix}`, tokenizer],
        [`text_encoder${suffix}`, model],
      ] as [string, SavableComponent][];
    });
    return Object.fromEntries(named);
  }

  /** Frees the weights. The encoder cannot be used afterwards. */
  dispose(): void {
    for (const { model } of this.#clip) model.dispose();
    this.#t5?.model.dispose();
  }
}

/** The states before the last layer and the pooled embedding. */
function clipStates(
  model: CLIPTextModelWithProjection,
  ids: number[][],
  skip: number,
): CLIPPromptStates {
  const output = model.forward({ input_ids: idTensor(ids) });
  const states = output.hidden_states.at(-(skip + 2));
  if (states === undefined) {
    throw new Error(
      `Cannot encode prompts as clipSkip must leave a layer of ${output.hidden_states.length - 1}: current value is ${skip}`,
    );
  }
  return { states, pooled: output.text_embeds };
}

/** (B, length) int32 */
function idTensor(ids: number[][]): tf.Tensor2D {
  return tf.tensor2d(ids, [ids.length, ids[0].length], 'int32');
}
