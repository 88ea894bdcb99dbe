import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import fc from 'fast-check';
import {
  quickByteLevel,
  quickCutting,
  type ByteLevelStep,
  type CuttingStep,
} from '../../../sdk/src/tokenizers/quick-steps';

interface Library {
  ByteLevelPreTokenizer: new (settings: object) => ByteLevelStep;
  SplitPreTokenizer: new (settings: object) => CuttingStep;
}
const { ByteLevelPreTokenizer, SplitPreTokenizer } = createRequire(__filename)(
  '@huggingface/tokenizers',
) as Library;

const steps = (settings: object) =>
  [new ByteLevelPreTokenizer(settings), new ByteLevelPreTokenizer(settings)] as const;

describe('quickByteLevel()', () => {
  it('spells words as the library does', () => {
    const [quick, own] = steps({ add_prefix_space: false, use_regex: false });
    quickByteLevel(quick);
    const word = fc.oneof(
      fc.string(),
      fc.string({ unit: 'grapheme' }),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(fc.array(word), (words) => {
        assert.deepEqual(quick.pre_tokenize(words), own.pre_tokenize(words));
        for (const one of words) assert.deepEqual(quick.pre_tokenize(one), own.pre_tokenize(one));
      }),
    );
    assert.deepEqual(quick.pre_tokenize([' fox', '高\n']), ['Ġfox', 'é«ĺĊ']);
  });

  it('leaves steps alone that cut words or put spaces before them', () => {
    for (const settings of [
      { add_prefix_space: false, use_regex: true },
      { add_prefix_space: true, use_regex: false },
    ]) {
      const [quick, own] = steps(settings);
      quickByteLevel(quick);
      for (const text of ["it's two  words", ' x']) {
        assert.deepEqual(quick.pre_tokenize(text), own.pre_tokenize(text));
      }
    }
  });
});

describe('quickCutting()', () => {
  it('cuts as the library does', () => {
    const settings = { pattern: { Regex: ' ?\\p{L}+|\\s+' }, behavior: 'Isolated', invert: false };
    const [quick, own] = [new SplitPreTokenizer(settings), new SplitPreTokenizer(settings)];
    quickCutting(quick);
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), (texts) => {
        assert.deepEqual(quick.pre_tokenize(texts), own.pre_tokenize(texts));
        for (const text of texts) {
          assert.deepEqual(quick.pre_tokenize(text), own.pre_tokenize(text));
          assert.deepEqual(quick.pre_tokenize([text]), own.pre_tokenize([text]));
        }
      }),
    );
  });
});
