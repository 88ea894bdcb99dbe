import { createRequire } from 'node:module';
import { precompiledNormalizer, type NormalizerDefinition } from './precompiled-normalizer';
import { quickByteLevel, quickCutting, type ByteLevelStep, type CuttingStep } from './quick-steps';

/** The part of `@huggingface/tokenizers` that is used. */
export interface HuggingFaceTokenizer {
  encode(text: string): { ids: number[]; tokens: string[] };
  decode(
    ids: number[],
    options: { skip_special_tokens: boolean; clean_up_tokenization_spaces: boolean },
  ): string;
  token_to_id(token: string): number | undefined;
  id_to_token(id: number): string | undefined;
  get_vocab(withAddedTokens: boolean): Map<string, number>;
}

interface LoadedTokenizer extends HuggingFaceTokenizer {
  /** How text is cut into words: one step, or several in a row. */
  readonly pre_tokenizer: (object & { readonly tokenizers?: readonly object[] }) | null;
}

interface Library {
  Tokenizer: new (definition: object, config: object) => LoadedTokenizer;
  ByteLevelPreTokenizer: new () => ByteLevelStep;
  SplitPreTokenizer: new () => CuttingStep;
  SequencePreTokenizer: new () => CuttingStep;
}

// The package's types are those of an ES module, which a CommonJS module may not import.
const library = createRequire(__filename)('@huggingface/tokenizers') as Library;

/**
 * Makes a tokenizer from the contents of tokenizer.json and tokenizer_config.json.
 *
 * A precompiled normaliser follows its own table; the library's one is NFKC with exceptions.
 */
export function createTokenizer(
  definition: object & { normalizer?: unknown },
  config: object,
): HuggingFaceTokenizer {
  const tokenizer = new library.Tokenizer(definition, config);
  const { pre_tokenizer: steps } = tokenizer;
  const { ByteLevelPreTokenizer, SplitPreTokenizer, SequencePreTokenizer } = library;
  for (const step of [steps, ...(steps?.tokenizers ?? [])]) {
    if (step instanceof SplitPreTokenizer || step instanceof SequencePreTokenizer) {
      quickCutting(step);
    }
    if (step instanceof ByteLevelPreTokenizer) quickByteLevel(step);
  }
  const normalize = precompiledNormalizer(definition.normalizer as NormalizerDefinition | null);
  return normalize === null ? tokenizer : Object.assign(tokenizer, { normalizer: normalize });
}
