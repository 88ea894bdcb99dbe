/** The step of a tokenizer that writes each byte of a word as a letter, as the library has it. */
export interface ByteLevelStep {
  readonly add_prefix_space: boolean;
  readonly use_regex: boolean;
  pre_tokenize(text: string | string[], options?: unknown): string[];
}

/** Letters that are one byte each and stand for themselves, and the space. */
const PLAIN = /^[ -~]*$/;
/** What a space is written as. */
const SPACE = 'Ġ';

/**
 * Byte-level spelling of words that were cut before, a few times as fast as the library's: most words are plain letters
 * with a space before them, which need no look at their bytes.
 *
 * Rule: GPT-2's table of bytes (Radford et al. 2019), in which 0x21 to 0x7e stand for themselves and 0x20 is U+0120.
 *
 * @param step Changed, unless it also cuts words or adds to them.
 */
export function quickByteLevel(step: ByteLevelStep): void {
  if (step.use_regex || step.add_prefix_space) return;
  const spell = step.pre_tokenize.bind(step);
  const quick = (word: string): string =>
    PLAIN.test(word) ? word.replaceAll(' ', SPACE) : spell([word])[0];
  Object.assign(step, {
    pre_tokenize: (text: string | string[]) =>
      Array.isArray(text) ? text.map(quick) : [quick(text)],
  });
}
