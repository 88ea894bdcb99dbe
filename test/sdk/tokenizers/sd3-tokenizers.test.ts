import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { CLIPTokenizer, T5Tokenizer } from '../../../sdk/src/tokenizers';
import { precompiledNormalizer } from '../../../sdk/src/tokenizers/precompiled-normalizer';
import { PrecompiledTable } from '../../../sdk/src/tokenizers/precompiled-table';

const model = resolve(__dirname, '../../golden/models/tiny-sd3');
const SIZE = 12;
const options = { padding: 'max_length', maxLength: SIZE, truncation: true } as const;

describe('CLIPTokenizer', () => {
  const [first, second] = ['tokenizer', 'tokenizer_2'].map((name) =>
    CLIPTokenizer.fromPretrained(model, name),
  );
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'flowbook-tokenizer-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it('encode() takes case and white space away, between a start and an end token', () => {
    const ids = first.encode('a red fox');
    assert.deepEqual(first.encode('  A\tRed \n FOX '), ids);
    assert.deepEqual(first.tokenize(''), ['<|startoftext|>', '<|endoftext|>']);
    assert.deepEqual([ids[0], ids.at(-1)], first.encode(''));
    assert.equal(first.decode(ids, { skipSpecialTokens: true }), 'a red fox');
  });

  it('encode() gives the same ids from vocab.json and merges.txt as from tokenizer.json', () => {
    for (const [name, tokenizer] of [
      ['tokenizer', first],
      ['tokenizer_2', second],
    ] as const) {
      for (const file of ['vocab.json', 'merges.txt', 'tokenizer_config.json']) {
        cpSync(join(model, name, file), join(folder, file));
      }
      const built = CLIPTokenizer.fromPretrained(folder);
      assert.equal(built.vocabSize, tokenizer.vocabSize);
      assert.equal(built.padTokenId, tokenizer.padTokenId);
      fc.assert(
        fc.property(fc.string({ unit: 'binary' }), (text) => {
          assert.deepEqual(built.encode(text), tokenizer.encode(text));
        }),
        { seed: 4 },
      );
    }
  });

  it('batch() keeps the end token of a text that it cuts, and pads as each tokenizer does', () => {
    const long = 'one two three four five six seven eight nine ten eleven';
    for (const tokenizer of [first, second]) {
      const { input_ids, attention_mask } = tokenizer.batch([long, 'fox'], options);
      assert.equal(input_ids[0].length, SIZE);
      assert.equal(input_ids[0].at(-1), tokenizer.eosTokenId);
      assert.deepEqual(input_ids[0].slice(0, -1), tokenizer.encode(long).slice(0, SIZE - 1));
      assert.equal(input_ids[1].at(-1), tokenizer.padTokenId);
      assert.deepEqual(attention_mask, [
        Array(SIZE).fill(1),
        [1, 1, 1, ...Array(SIZE - 3).fill(0)],
      ]);
    }
    assert.notEqual(first.padTokenId, second.padTokenId);
    assert.equal(first.modelMaxLength, 77);
  });
});

describe('T5Tokenizer', () => {
  const tokenizer = T5Tokenizer.fromPretrained(model);

  it('batch() ends a text that it cuts with </s>', () => {
    const [ids] = tokenizer.batch(['a red fox resting on a mossy stone'], options).input_ids;
    assert.equal(ids.length, SIZE);
    assert.equal(ids.at(-1), tokenizer.eosTokenId);
  });

  it('tokenize() spells what the vocabulary lacks as <unk>', () => {
    assert.deepEqual(tokenizer.tokenize('a 🙂'), ['▁a', '▁', '<unk>', '</s>']);
  });

  it('fromPretrained() asks for tokenizer.json', () => {
    assert.throws(
      () => new T5Tokenizer({ directory: 'somewhere', definition: null } as never),
      /Cannot load a T5Tokenizer as "somewhere" must hold tokenizer.json: there is none/,
    );
  });
});

describe('precompiledNormalizer()', () => {
  const definition = JSON.parse(readFileSync(join(model, 'tokenizer_3/tokenizer.json'), 'utf8'));
  const normalize = precompiledNormalizer(definition.normalizer) as (text: string) => string;

  it('gives what the Python engine gives, oddities included', () => {
    // From tokenizers 0.23.3. A short cluster becomes what its beginning becomes: an accent can be lost.
    const expected = {
      'ﬁ Å': 'fi Å',
      'e\u0301': 'é',
      'ｅ\u0301': 'e',
      'Ａ\u0308': 'A',
      '①½': '11⁄2',
      '\u0001a\tb': 'a b',
      'zero\u200bwidth': 'zero width',
      '👩\u200d👧': '👩\u200d👧',
    };
    for (const [text, result] of Object.entries(expected)) assert.equal(normalize(text), result);
  });

  it('leaves ASCII and empty text alone', () => {
    const printable = String.fromCharCode(...Array.from({ length: 95 }, (_, i) => 32 + i));
    assert.equal(normalize(printable), printable);
    assert.equal(normalize(''), '');
  });

  it('is null for other normalizers, and refuses to stand among them', () => {
    assert.equal(precompiledNormalizer(null), null);
    assert.equal(precompiledNormalizer({ type: 'NFC' }), null);
    const sequence = { type: 'Sequence', normalizers: [{ type: 'NFC' }, { type: 'Precompiled' }] };
    assert.throws(
      () => precompiledNormalizer(sequence),
      /a Precompiled normalizer must be the only one: current value is NFC, Precompiled/,
    );
  });

  it('a table that does not fit its data is refused, and a damaged one finds nothing it lacks', () => {
    for (const bytes of [
      [],
      [8, 0, 0],
      [0, 0, 0, 0],
      [9, 0, 0, 0, 1, 1, 1, 1, 1],
      [8, 0, 0, 0, 1],
    ]) {
      assert.throws(() => new PrecompiledTable(Buffer.from(bytes)), /its trie must lie in its/);
    }
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 64 }), fc.string(), (bytes, key) => {
        const data = Buffer.concat([Buffer.from([8, 0, 0, 0]), bytes]);
        const found = new PrecompiledTable(data).find(key);
        assert.ok(found === null || typeof found === 'string');
      }),
      { seed: 6 },
    );
  });
});
