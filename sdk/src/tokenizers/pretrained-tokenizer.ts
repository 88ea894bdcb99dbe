import { checkOptions, SWITCH } from '../core/option-rules';
import { withinTime } from '../core/within-time';
import { showValue } from '../core/show-value';
import type { ModelIndexEntry } from '../io/model-directory';
import { copyTokenizerFiles, type TokenizerFiles } from '../io/tokenizer-files';
import { tokenText } from './added-tokens';
import { createTokenizer, type HuggingFaceTokenizer } from './huggingface-tokenizer';
import { padBatch, type BatchOptions, type TokenBatch } from './pad-batch';

/** Longest time that a text, or a group of short ones, takes: a file's regular expression may never end. */
const LONGEST_MS = 5_000;
/** Characters of short texts that share a time limit: a limit starts a thread, which takes as long as several prompts. */
const GROUP_CHARACTERS = 10_000;

/** How ids become text. */
export interface DecodeOptions {
  /** Leave out special tokens such as `<|im_end|>`. Default false. */
  skipSpecialTokens?: boolean;
}

/**
 * Builds a tokenizer from files that may hold anything: what the library makes of a wrong definition becomes an error that
 * names the folder.
 */
export function buildTokenizer<Tokenizer>(
  { directory }: TokenizerFiles,
  build: () => Tokenizer,
): Tokenizer {
  return inWords(`load the tokenizer in "${directory}" as its files must describe one`, build);
}

function inWords<Result>(attempt: string, run: () => Result): Result {
  try {
    return run();
  } catch (error) {
    const { message } = error as Error;
    if (message.startsWith('Cannot load ')) throw error;
    throw new Error(`Cannot ${attempt}: ${message}`, { cause: error });
  }
}

/** What tokenizers have in common. How they cut text is in the definition that they are made from. */
export abstract class PretrainedTokenizer {
  /** Library and class, as model_index.json names them. */
  abstract readonly modelIndexEntry: ModelIndexEntry;
  /** Where padding goes: at the right unless the configuration says otherwise. */
  readonly paddingSide: 'left' | 'right';
  /** Id that fills up short rows. */
  readonly padTokenId: number;
  /** Id that ends a text, or null. */
  readonly eosTokenId: number | null;
  /** Tokens that the model takes at most; Infinity when the configuration does not say. */
  readonly modelMaxLength: number;
  protected readonly config: Record<string, unknown>;
  readonly #library: HuggingFaceTokenizer;
  readonly #directory: string;

  /**
   * @param files The tokenizer's files, parsed.
   * @param definition The contents of tokenizer.json.
   */
  protected constructor({ config, directory }: TokenizerFiles, definition: object) {
    this.#directory = directory;
    this.#library = createTokenizer(definition, config);
    this.config = config;
    this.paddingSide = config.padding_side === 'left' ? 'left' : 'right';
    this.modelMaxLength = Number(config.model_max_length ?? Infinity);
    this.eosTokenId = this.#idOf('eos_token');
    const padTokenId = this.#idOf('pad_token') ?? this.eosTokenId;
    if (padTokenId === null) {
      throw new Error(
        `Cannot load the tokenizer in "${directory}" as its tokenizer_config.json must name a pad_token or an eos_token of the vocabulary: current value is ${showValue(config.pad_token)}`,
      );
    }
    this.padTokenId = padTokenId;
  }

  /** Copies the tokenizer's files, which must still be where they were read, into a folder such as `<model>/tokenizer`. */
  savePretrained(folder: string): void {
    copyTokenizerFiles(this.#directory, folder);
  }

  /** How many tokens there are, added ones included. */
  get vocabSize(): number {
    return this.#library.get_vocab(true).size;
  }

  /** The token ids of `text`, with the special tokens that the model wants around it. */
  encode(text: string): number[] {
    return this.#encodeAll([text])[0];
  }

  /** The tokens of `text` in the vocabulary's own spelling, where a space is written Ġ or ▁. */
  tokenize(text: string): string[] {
    return this.encode(text).map((id) => this.#library.id_to_token(id) as string);
  }

  /** The text of `ids`; ids that the vocabulary lacks are left out, as transformers does. */
  decode(ids: readonly number[], options: DecodeOptions = {}): string {
    checkOptions('decode tokens', options, { skipSpecialTokens: SWITCH });
    const { skipSpecialTokens = false } = options;
    const known = ids.filter((id) => this.#library.id_to_token(id) !== undefined);
    // The library refuses to decode nothing, and by default closes up spaces before punctuation.
    if (known.length === 0) return '';
    return this.#library.decode(known, {
      skip_special_tokens: skipSpecialTokens,
      clean_up_tokenization_spaces: this.config.clean_up_tokenization_spaces === true,
    });
  }

  /**
   * The token ids of several texts as one rectangle. A text that is cut keeps the token that ends it.
   *
   * @throws When a text is longer than `maxLength` and `truncation` is off.
   */
  batch(texts: readonly string[], options: BatchOptions = {}): TokenBatch {
    // What encodes nothing is special tokens alone, and the last of them stands at the end.
    const [empty, ...rows] = this.#encodeAll(['', ...texts]);
    const ending = empty.slice(-1);
    return padBatch(rows, this.padTokenId, this.paddingSide, options, ending);
  }

  #encodeAll(texts: readonly string[]): number[][] {
    return inWords(`encode a text with the tokenizer in "${this.#directory}"`, () => {
      const rows = inGroups(texts).flatMap((group) =>
        withinTime(() => group.map((text) => this.#library.encode(text).ids), LONGEST_MS),
      );
      const ids = rows.flat();
      const wrong = ids.findIndex((id) => !(Number.isInteger(id) && id >= 0));
      if (wrong >= 0) {
        throw new Error(
          `ids must be whole numbers from 0: current value is ${showValue(ids[wrong])}`,
        );
      }
      return rows;
    });
  }

  #idOf(name: string): number | null {
    const token = tokenText(this.config[name]);
    return token === null ? null : (this.#library.token_to_id(token) ?? null);
  }
}

/** Texts in their order, in groups of at most so many characters, or of one text. */
function inGroups(texts: readonly string[]): string[][] {
  const groups: string[][] = [];
  let room = 0;
  for (const text of texts) {
    room -= text.length;
    if (groups.length === 0 || room < 0) {
      groups.push([]);
      room = GROUP_CHARACTERS - text.length;
    }
    groups[groups.length - 1].push(text);
  }
  return groups;
}
