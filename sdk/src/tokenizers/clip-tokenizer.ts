import { readTokenizerFiles, type TokenizerFiles } from '../io/tokenizer-files';
import { clipDefinition } from './clip-definition';
import { buildTokenizer, PretrainedTokenizer } from './pretrained-tokenizer';

/**
 * CLIP's byte-level BPE tokenizer, as Stable Diffusion 3 uses two of them.
 *
 * Texts become lower case, between a start token and an end token. Rule: transformers `CLIPTokenizer`.
 *
 * @example
 * const tokenizer = CLIPTokenizer.fromPretrained('test/golden/models/tiny-sd3', 'tokenizer_2');
 * const options = { padding: 'max_length', maxLength: 77, truncation: true } as const;
 * tokenizer.batch(['A red fox'], options).input_ids[0].length; // 77
 */
export class CLIPTokenizer extends PretrainedTokenizer {
  override readonly modelIndexEntry = ['transformers', 'CLIPTokenizer'] as const;
  /** @param files The tokenizer's files, parsed. */
  constructor(files: TokenizerFiles) {
    super(files, clipDefinition(files));
  }

  /**
   * Loads a tokenizer.
   *
   * @param path Folder of the tokenizer, or of a pipeline that holds one.
   * @param component The folder in a pipeline. Default `tokenizer`.
   * @throws When the folder lacks tokenizer.json and also vocab.json with merges.txt.
   */
  static fromPretrained(path: string, component = 'tokenizer'): CLIPTokenizer {
    const files = readTokenizerFiles(path, component);
    return buildTokenizer(files, () => new CLIPTokenizer(files));
  }
}
