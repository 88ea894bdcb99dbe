import { readTokenizerFiles, type TokenizerFiles } from '../io/tokenizer-files';
import { renderChatTemplate, type ChatMessage } from './chat-template';
import { createTokenizer, type HuggingFaceTokenizer } from './huggingface-tokenizer';
import { padBatch, type BatchOptions, type TokenBatch } from './pad-batch';
import { qwen2Definition } from './qwen2-definition';

/** How ids become text. */
export interface DecodeOptions {
  /** Leave out special tokens such as `<|im_end|>`. Default false. */
  skipSpecialTokens?: boolean;
}

/** How a conversation becomes a prompt. */
export interface ChatTemplateOptions {
  /** End with the opening of the assistant's turn. Default false. */
  addGenerationPrompt?: boolean;
  /** Return token ids (default) or, with false, the text. */
  tokenize?: boolean;
}

/**
 * Qwen2's byte-level BPE tokenizer, as Qwen-Image uses it.
 *
 * No token is added before or after a text; special tokens inside a text are one id each.
 * Rule: transformers `Qwen2Tokenizer`.
 *
 * @example
 * const tokenizer = Qwen2Tokenizer.fromPretrained('datasets/tiny-qwen-image');
 * const ids = tokenizer.encode('a red circle');
 * tokenizer.decode(ids); // 'a red circle'
 */
export class Qwen2Tokenizer {
  /** Where padding goes. Qwen's configurations leave it at the right. */
  readonly paddingSide: 'left' | 'right';
  /** Id that fills up short rows. */
  readonly padTokenId: number;
  /** Id that ends a text, or null. */
  readonly eosTokenId: number | null;
  readonly #library: HuggingFaceTokenizer;
  readonly #config: Record<string, unknown>;
  readonly #chatTemplate: string | null;

  /** @param files The tokenizer's files, parsed. */
  constructor(files: TokenizerFiles) {
    const { config } = files;
    this.#library = createTokenizer(qwen2Definition(files), config);
    this.#config = config;
    this.#chatTemplate =
      files.chatTemplate ??
      (typeof config.chat_template === 'string' ? config.chat_template : null);
    this.paddingSide = config.padding_side === 'left' ? 'left' : 'right';
    this.eosTokenId = this.#idOf('eos_token');
    const padTokenId = this.#idOf('pad_token') ?? this.eosTokenId;
    if (padTokenId === null) {
      throw new Error(
        `Cannot load the tokenizer in "${files.directory}" as its tokenizer_config.json must name a pad_token or an eos_token of the vocabulary: current value is ${JSON.stringify(config.pad_token)}`,
      );
    }
    this.padTokenId = padTokenId;
  }

  /**
   * Loads a tokenizer.
   *
   * @param path Folder of the tokenizer, or of a pipeline that holds one in `tokenizer`.
   * @throws When the folder lacks tokenizer.json and also vocab.json with merges.txt.
   */
  static fromPretrained(path: string): Qwen2Tokenizer {
    return new Qwen2Tokenizer(readTokenizerFiles(path));
  }

  /** How many tokens there are, added ones included. */
  get vocabSize(): number {
    return this.#library.get_vocab(true).size;
  }

  /** The token ids of `text`. */
  encode(text: string): number[] {
    return this.#library.encode(text).ids;
  }

  /** The tokens of `text` in the vocabulary's own spelling, where a space is written Ġ. */
  tokenize(text: string): string[] {
    return this.#library.encode(text).tokens;
  }

  /** The text of `ids`; ids that the vocabulary lacks are left out, as transformers does. */
  decode(ids: readonly number[], { skipSpecialTokens = false }: DecodeOptions = {}): string {
    const known = ids.filter((id) => this.#library.id_to_token(id) !== undefined);
    // The library refuses to decode nothing, and by default closes up spaces before punctuation.
    if (known.length === 0) return '';
    return this.#library.decode(known, {
      skip_special_tokens: skipSpecialTokens,
      clean_up_tokenization_spaces: this.#config.clean_up_tokenization_spaces === true,
    });
  }

  /**
   * The token ids of several texts as one rectangle.
   *
   * @throws When a text is longer than `maxLength` and `truncation` is off.
   */
  batch(texts: readonly string[], options: BatchOptions = {}): TokenBatch {
    const rows = texts.map((text) => this.encode(text));
    return padBatch(rows, this.padTokenId, this.paddingSide, options);
  }

  /** Writes a conversation out by the model's chat template, as text. */
  applyChatTemplate(
    messages: ChatMessage[],
    options: ChatTemplateOptions & { tokenize: false },
  ): string;
  /** Writes a conversation out by the model's chat template, as token ids. */
  applyChatTemplate(
    messages: ChatMessage[],
    options?: ChatTemplateOptions & { tokenize?: true },
  ): number[];
  applyChatTemplate(
    messages: ChatMessage[],
    { addGenerationPrompt = false, tokenize = true }: ChatTemplateOptions = {},
  ): string | number[] {
    if (this.#chatTemplate === null) {
      throw new Error(
        'Cannot apply a chat template as the tokenizer must have one in chat_template.jinja or tokenizer_config.json: current value is null',
      );
    }
    const text = renderChatTemplate(this.#chatTemplate, messages, addGenerationPrompt, {
      bos_token: tokenText(this.#config.bos_token),
      eos_token: tokenText(this.#config.eos_token),
      pad_token: tokenText(this.#config.pad_token),
    });
    return tokenize ? this.encode(text) : text;
  }

  #idOf(name: string): number | null {
    const token = tokenText(this.#config[name]);
    return token === null ? null : (this.#library.token_to_id(token) ?? null);
  }
}

/** A configuration names a token by its text or by an object that holds it. */
function tokenText(token: unknown): string | null {
  if (typeof token === 'string') return token;
  return (token as { content?: string } | null | undefined)?.content ?? null;
}
