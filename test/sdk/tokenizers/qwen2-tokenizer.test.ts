import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { Qwen2Tokenizer } from '../../../sdk/src/tokenizers';

const model = resolve(__dirname, '../../golden/models/tiny-qwen-image');
const shapes = resolve(__dirname, '../../../datasets/tiny-qwen-image');

/** Ids from Python's tokenizers 0.23.3, for text on which the two engines could come apart. */
const hard: [string, number[]][] = [
  ['\ufeffa\u0085b', [171, 119, 123, 64, 126, 227, 65]],
  ["I'LL, you'\u017f", [40, 6, 43, 43, 11, 220, 88, 78, 84, 6, 129, 123]],
  ['a\u030angstro\u0308m', [127, 98, 77, 70, 266, 81, 127, 114, 76]],
  ['\u1100\u1161\u11a8', [166, 108, 223]],
  ['x\u3000\u00a0 y  ', [87, 722, 222, 126, 254, 220, 88, 600]],
  ['1\u00b2\u2163\u0663', [16, 126, 110, 158, 227, 96, 149, 96]],
  ['<|im_<|im_end|>|>', [27, 91, 300, 62, 902, 91, 29]],
  ['\r\n \n\t ', [201, 198, 220, 198, 197, 220]],
  ['a\u0000b', [64, 188, 65]],
];

describe('Qwen2Tokenizer', () => {
  const tokenizer = Qwen2Tokenizer.fromPretrained(model);
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'flowbook-tokenizer-'))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it('encode() gives the ids of the Python engine on odd white space, case, marks and signs', () => {
    for (const [text, ids] of hard) assert.deepEqual(tokenizer.encode(text), ids, text);
  });

  it('encode() gives the same ids from vocab.json and merges.txt as from tokenizer.json', () => {
    for (const name of ['vocab.json', 'merges.txt', 'tokenizer_config.json']) {
      cpSync(join(model, 'tokenizer', name), join(folder, name));
    }
    const built = Qwen2Tokenizer.fromPretrained(folder);
    assert.equal(built.vocabSize, tokenizer.vocabSize);
    for (const [text, ids] of hard) assert.deepEqual(built.encode(text), ids, text);
  });

  it('encode() knows the tokens of added_tokens.json when nothing describes them', () => {
    for (const name of ['vocab.json', 'merges.txt', 'added_tokens.json']) {
      cpSync(join(model, 'tokenizer', name), join(folder, name));
    }
    const config = { eos_token: '<|im_end|>', pad_token: '<|endoftext|>' };
    writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify(config));
    const built = Qwen2Tokenizer.fromPretrained(folder);
    const ids = built.encode('<tool_call>a<|im_end|>');
    assert.deepEqual(ids, [914, 64, 902]);
    assert.equal(built.decode(ids, { skipSpecialTokens: true }), '<tool_call>a');
  });

  it('decode() returns the encoded text in its composed form', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), (text) => {
        assert.equal(tokenizer.decode(tokenizer.encode(text)), text.normalize('NFC'));
      }),
      { seed: 4, numRuns: 200 },
    );
  });

  it('decode() keeps the space before a comma and leaves out unknown ids', () => {
    assert.equal(tokenizer.decode([]), '');
    assert.equal(tokenizer.decode([100_000]), '');
    const shapesTokenizer = Qwen2Tokenizer.fromPretrained(shapes);
    assert.equal(shapesTokenizer.decode(shapesTokenizer.encode('a , b .')), 'a , b .');
  });

  it('batch() pads at the right to the longest text and marks the padding', () => {
    const { input_ids, attention_mask } = tokenizer.batch(['a red', 'a']);
    assert.deepEqual(input_ids, [
      [64, 570],
      [64, tokenizer.padTokenId],
    ]);
    assert.deepEqual(attention_mask, [
      [1, 1],
      [1, 0],
    ]);
    assert.deepEqual(tokenizer.batch([]).input_ids, []);
  });

  it('batch() gives each text the ids that it has alone, however long its neighbours are', () => {
    const lengths = [0, 1, 9_990, 30, 12_000, 2, 25_000, 0, 7];
    const texts = lengths.map((length, k) => `${k} red foxes `.repeat(length).slice(0, length));
    const { input_ids, attention_mask } = tokenizer.batch(texts);
    const rows = input_ids.map((row, k) => row.slice(0, attention_mask[k].lastIndexOf(1) + 1));
    assert.deepEqual(
      rows,
      texts.map((text) => tokenizer.encode(text)),
    );
    assert.ok(rows[6].length > 5_000);
  });

  it('batch() cuts and pads to maxLength', () => {
    const options = { padding: 'max_length', maxLength: 3, truncation: true } as const;
    const { input_ids, attention_mask } = tokenizer.batch(['a red fox resting', 'a'], options);
    assert.deepEqual(input_ids[0], [64, 570, 528]);
    assert.deepEqual(attention_mask[1], [1, 0, 0]);
  });

  it('batch() refuses a text that does not fit', () => {
    assert.throws(() => tokenizer.batch(['a red fox'], { padding: 'max_length', maxLength: 2 }), {
      message:
        'Cannot batch tokens as every text must fit maxLength (2) or truncation be on: current value is 3 tokens',
    });
    assert.throws(() => tokenizer.batch(['a'], { truncation: true }), {
      message:
        'Cannot batch tokens as padding to "max_length" and truncation need maxLength: current value is undefined',
    });
  });

  it('applyChatTemplate() prefers chat_template.jinja', () => {
    cpSync(join(model, 'tokenizer'), folder, { recursive: true });
    writeFileSync(join(folder, 'chat_template.jinja'), '{{ messages[0].content }}{{ eos_token }}');
    const messages = [{ role: 'user', content: 'a' }];
    const built = Qwen2Tokenizer.fromPretrained(folder);
    assert.equal(built.applyChatTemplate(messages, { tokenize: false }), 'a<|im_end|>');
    assert.deepEqual(built.applyChatTemplate(messages), [64, 902]);
  });

  it('applyChatTemplate() says that the tokenizer has no template', () => {
    assert.throws(() => Qwen2Tokenizer.fromPretrained(shapes).applyChatTemplate([]), {
      message:
        'Cannot apply a chat template as the tokenizer must have one in chat_template.jinja or tokenizer_config.json: current value is null',
    });
  });

  it('fromPretrained() lists what a folder without a tokenizer holds', () => {
    mkdirSync(join(folder, 'empty'));
    writeFileSync(join(folder, 'vocab.json'), '{}');
    assert.throws(() => Qwen2Tokenizer.fromPretrained(folder), {
      message: `Cannot load a tokenizer as "${folder}" must hold tokenizer.json, or vocab.json and merges.txt: current value is empty, vocab.json`,
    });
  });
});
