import { PrecompiledTable } from './precompiled-table';

/** A `normalizer` of tokenizer.json. */
export interface NormalizerDefinition {
  type: string;
  normalizers?: NormalizerDefinition[];
  precompiled_charsmap?: string;
}

/** Characters as a reader sees them: a letter with its accents, a family of emoji. */
const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** A cluster of more bytes than these is looked up character by character. */
const LONGEST_CLUSTER = 5;

/**
 * SentencePiece's precompiled normaliser, or null when the definition is another one.
 *
 * Rule: tokenizers' `Precompiled`: a short cluster of characters is replaced by what the table has for its beginning;
 * otherwise each of its characters by what the table has for it.
 *
 * @throws When a precompiled normaliser stands among others.
 */
export function precompiledNormalizer(
  definition: NormalizerDefinition | null | undefined,
): ((text: string) => string) | null {
  if (definition?.normalizers?.some(({ type }) => type === 'Precompiled')) {
    throw new Error(
      `Cannot load the tokenizer as a Precompiled normalizer must be the only one: current value is ${definition.normalizers.map(({ type }) => type).join(', ')}`,
    );
  }
  if (definition?.type !== 'Precompiled' || !definition.precompiled_charsmap) return null;
  const table = new PrecompiledTable(Buffer.from(definition.precompiled_charsmap, 'base64'));
  const replace = (cluster: string): string => {
    const whole = Buffer.byteLength(cluster) <= LONGEST_CLUSTER ? table.find(cluster) : null;
    return whole ?? [...cluster].map((character) => table.find(character) ?? character).join('');
  };
  return (text) => [...graphemes.segment(text)].map(({ segment }) => replace(segment)).join('');
}
