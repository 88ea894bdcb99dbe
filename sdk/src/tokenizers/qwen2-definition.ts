import type { TokenizerFiles } from '../io/tokenizer-files';
import { addedTokens } from './added-tokens';

/** Where Qwen2 cuts text before merging bytes: contractions, words, single digits, signs, spaces. */
const WORDS =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/**
 * The tokenizer.json of a Qwen2 tokenizer: the file itself where there is one, else built from
 * vocab.json, merges.txt and the added tokens. Qwen-Image's published checkpoint ships only those.
 *
 * Rule: transformers `Qwen2Tokenizer` (NFC, the word pattern above, byte-level BPE).
 */
export function qwen2Definition(files: TokenizerFiles): Record<string, unknown> {
  if (files.definition !== null) return files.definition;
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: addedTokens(files),
    normalizer: { type: 'NFC' },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: WORDS }, behavior: 'Isolated', invert: false },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: false },
      ],
    },
    post_processor: null,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: '',
      end_of_word_suffix: '',
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab: files.vocab,
      merges: files.merges,
    },
  };
}
