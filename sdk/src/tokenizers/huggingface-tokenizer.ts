import { createRequire } from 'node:module';
import { precompiledNormalizer, type NormalizerDefinition } from './precompiled-normalizer';

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

interface Library {
  Tokenizer: new (definition: object, config: object) => HuggingFaceTokenizer;
}

// The package's types are those of an ES module, which a CommonJS module may not import.
const { Tokenizer } = createRequire(__filename)('@huggingface/tokenizers') as Library;

/**
 * Makes a tokenizer from the contents of tokenizer.json and tokenizer_config.json.
 *
 * A precompiled normaliser follows its own table; the library's one is NFKC with exceptions.
 */
export function createTokenizer(
  definition: object & { normalizer?: unknown },
  config: object,
): HuggingFaceTokenizer {
  const tokenizer = new Tokenizer(definition, config);
  const normalize = precompiledNormalizer(definition.normalizer as NormalizerDefinition | null);
  return normalize === null ? tokenizer : Object.assign(tokenizer, { normalizer: normalize });
}
