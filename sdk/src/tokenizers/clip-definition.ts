import type { TokenizerFiles } from '../io/tokenizer-files';
import { addedTokens, tokenText } from './added-tokens';

/** Where CLIP cuts text: contractions, words, single digits, signs. */
const WORDS =
  "<\\|startoftext\\|>|<\\|endoftext\\|>|'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+";

/**
 * The tokenizer.json of a CLIP tokenizer: the file itself where there is one, else built from vocab.json and merges.txt.
 * Stable Diffusion 3's published checkpoints ship only those.
 *
 * Rule: transformers `CLIPTokenizer` (NFC, one space for several, lower case, byte-level BPE with `</w>` at a word's end,
 * a start and an end token).
 */
export function clipDefinition(files: TokenizerFiles): Record<string, unknown> {
  if (files.definition !== null) return files.definition;
  const { config, vocab } = files;
  const special = (name: string, standard: string) => {
    const token = tokenText(config[name]) ?? standard;
    return [token, vocab?.[token]];
  };
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: addedTokens(files),
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'NFC' },
        { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' },
        { type: 'Lowercase' },
      ],
    },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: WORDS }, behavior: 'Removed', invert: true },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
      ],
    },
    post_processor: {
      type: 'RobertaProcessing',
      sep: special('eos_token', '<|endoftext|>'),
      cls: special('bos_token', '<|startoftext|>'),
      trim_offsets: false,
      add_prefix_space: false,
    },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: tokenText(config.unk_token) ?? '<|endoftext|>',
      continuing_subword_prefix: '',
      end_of_word_suffix: '</w>',
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab,
      merges: files.merges,
    },
  };
}
