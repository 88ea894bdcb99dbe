import { ANYTHING, checkOptions, SWITCH, type Rules } from '../core/option-rules';
import { readTokenizerFiles, type TokenizerFiles } from '../io/tokenizer-files';
import { tokenText } from './added-tokens';
import { renderChatTemplate, type ChatMessage } from './chat-template';
import { buildTokenizer, PretrainedTokenizer } from './pretrained-tokenizer';
import { qwen2Definition } from './qwen2-definition';

/** How a conversation becomes a prompt. */
export interface ChatTemplateOptions {
  /** End with the opening of the assistant's turn. Default false. */
  addGenerationPrompt?: boolean;
  /** What the assistant may call, as JSON schemas, for a template that knows tools. Default none. */
  tools?: readonly object[] | null;
  /** Return token ids (default) or, with false, the text. */
  tokenize?: boolean;
}

const RULES: Rules<ChatTemplateOptions> = {
  addGenerationPrompt: SWITCH,
  tools: ANYTHING,
  tokenize: SWITCH,
};

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
export class Qwen2Tokenizer extends PretrainedTokenizer {
  override readonly modelIndexEntry = ['transformers', 'Qwen2Tokenizer'] as const;
  readonly #chatTemplate: string | null;

  /** @param files The tokenizer's files, parsed. */
  constructor(files: TokenizerFiles) {
    super(files, qwen2Definition(files));
    const { chat_template: template } = files.config;
    this.#chatTemplate = files.chatTemplate ?? (typeof template === 'string' ? template : null);
  }

  /**
   * Loads a tokenizer.
   *
   * @param path Folder of the tokenizer, or of a pipeline that holds one in `tokenizer`.
   * @throws When the folder lacks tokenizer.json and also vocab.json with merges.txt.
   */
  static fromPretrained(path: string): Qwen2Tokenizer {
    const files = readTokenizerFiles(path);
    return buildTokenizer(files, () => new Qwen2Tokenizer(files));
  }

  /**
   * Writes a conversation out by the model's chat template, as text.
   *
   * @throws When the tokenizer has no template, or the template refuses the conversation.
   */
  applyChatTemplate(
    messages: ChatMessage[],
    options: ChatTemplateOptions & { tokenize: false },
  ): string;
  /** Writes a conversation out by the model's chat template, as token ids. */
  applyChatTemplate(
    messages: ChatMessage[],
    options?: ChatTemplateOptions & { tokenize?: true },
  ): number[];
  applyChatTemplate(messages: ChatMessage[], options: ChatTemplateOptions = {}): string | number[] {
    checkOptions('apply a chat template', options, RULES);
    const { addGenerationPrompt = false, tools = null, tokenize = true } = options;
    if (this.#chatTemplate === null) {
      throw new Error(
        'Cannot apply a chat template as the tokenizer must have one in chat_template.jinja or tokenizer_config.json: current value is null',
      );
    }
    const text = renderChatTemplate(this.#chatTemplate, messages, addGenerationPrompt, {
      tools,
      bos_token: tokenText(this.config.bos_token),
      eos_token: tokenText(this.config.eos_token),
      pad_token: tokenText(this.config.pad_token),
    });
    return tokenize ? this.encode(text) : text;
  }
}
