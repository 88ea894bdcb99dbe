import { readTokenizerFiles, type TokenizerFiles } from '../io/tokenizer-files';
import { buildTokenizer, PretrainedTokenizer } from './pretrained-tokenizer';

/**
 * T5's unigram tokenizer, the third of Stable Diffusion 3. Texts end with `</s>`.
 *
 * Rule: transformers `T5Tokenizer`, from tokenizer.json.
 *
 * @example
 * const tokenizer = T5Tokenizer.fromPretrained('test/golden/models/tiny-sd3');
 * tokenizer.tokenize('a red fox'); // ['▁a', '▁re', 'd', '▁f', 'o', 'x', '</s>']
 */
export class T5Tokenizer extends PretrainedTokenizer {
  override readonly modelIndexEntry = ['transformers', 'T5Tokenizer'] as const;
  /**
   * @param files The tokenizer's files, parsed.
   * @throws When there is no tokenizer.json.
   */
  constructor(files: TokenizerFiles) {
    if (files.definition === null) {
      throw new Error(
        `Cannot load a T5Tokenizer as "${files.directory}" must hold tokenizer.json: there is none`,
      );
    }
    super(files, files.definition);
  }

  /**
   * Loads a tokenizer.
   *
   * @param path Folder of the tokenizer, or of a pipeline that holds one.
   * @param component The folder in a pipeline. Default `tokenizer_3`.
   * @throws When the folder lacks tokenizer.json.
   */
  static fromPretrained(path: string, component = 'tokenizer_3'): T5Tokenizer {
    const files = readTokenizerFiles(path, component);
    return buildTokenizer(files, () => new T5Tokenizer(files));
  }
}
