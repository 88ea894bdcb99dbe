import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { SD3PromptEncoder } from '../../../sdk/src/pipelines/stable-diffusion-3/prompt-encoder';
import { tf } from '../../../sdk/src/tensorflow';

const model = resolve(__dirname, '../../golden/models/tiny-sd3');
const options = { maxSequenceLength: 8 };

describe('SD3PromptEncoder', () => {
  let encoder: SD3PromptEncoder;
  before(() => (encoder = SD3PromptEncoder.fromPretrained(model)));
  after(() => encoder.dispose());
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());
  const farthest = (a: tf.Tensor, b: tf.Tensor) => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0];

  it('encode() of two prompts gives what each gives alone', () => {
    const prompts = ['a red fox', 'a blue car in the rain'];
    const both = encoder.encode(prompts, options);
    const alone = prompts.map((prompt) => encoder.encode([prompt], options));
    for (const key of ['prompt_embeds', 'pooled_prompt_embeds'] as const) {
      assert.ok(farthest(both[key], tf.concat(alone.map((one) => one[key] as tf.Tensor))) < 1e-5);
    }
    assert.deepEqual(both.prompt_embeds.shape, [2, 85, 48]);
    assert.deepEqual(both.pooled_prompt_embeds.shape, [2, 40]);
  });

  it('encode() gives each encoder its own prompt', () => {
    const [one, other] = [['fox'], ['car']];
    const plain = encoder.encode(one, options).prompt_embeds;
    const parts = { first: [0, 0, 77, 16], second: [0, 16, 77, 24], t5: [77, 0, 8, 48] };
    const changed = (changes: object, first = one) => {
      const embeds = encoder.encode(first, { ...options, ...changes }).prompt_embeds;
      return Object.entries(parts)
        .filter(([, [token, channel, tokens, channels]]) => {
          const [a, b] = [plain, embeds].map((x) =>
            x.slice([0, token, channel], [1, tokens, channels]),
          );
          return farthest(a, b) > 1e-4;
        })
        .map(([name]) => name);
    };
    assert.deepEqual(changed({ prompts2: other }), ['second']);
    assert.deepEqual(changed({ prompts3: other }), ['t5']);
    assert.deepEqual(changed({ prompts2: one, prompts3: one }, other), ['first']);
    assert.deepEqual(changed({ clipSkip: 1 }), ['first', 'second']);
  });

  it('encode() has zeros for T5 where a folder has none', () => {
    const folder = mkdtempSync(join(tmpdir(), 'flowbook-'));
    for (const name of [
      'transformer',
      'text_encoder',
      'text_encoder_2',
      'tokenizer',
      'tokenizer_2',
    ]) {
      cpSync(join(model, name), join(folder, name), { recursive: true });
    }
    const index = JSON.parse(readFileSync(join(model, 'model_index.json'), 'utf8'));
    const without = { ...index, text_encoder_3: [null, null], tokenizer_3: [null, null] };
    writeFileSync(join(folder, 'model_index.json'), JSON.stringify(without));
    const own = SD3PromptEncoder.fromPretrained(folder);
    const { prompt_embeds } = own.encode(['fox'], options);
    assert.equal(tf.max(tf.abs(prompt_embeds.slice([0, 77], [1, 8]))).dataSync()[0], 0);
    const full = encoder.encode(['fox'], options).prompt_embeds;
    assert.equal(farthest(prompt_embeds.slice([0, 0], [1, 77]), full.slice([0, 0], [1, 77])), 0);
    own.dispose();
    rmSync(folder, { recursive: true });
  });

  it('encode() leaves two tensors, and names what does not fit', () => {
    const before = tf.memory().numTensors;
    encoder.encode(['fox'], options);
    assert.equal(tf.memory().numTensors, before + 2);
    assert.throws(
      () => encoder.encode(['fox'], { prompts2: [] }),
      /prompts2 and prompts3 must have 1 each: current value is 0 and 1/,
    );
    assert.throws(
      () => encoder.encode(['fox'], { ...options, clipSkip: 9 }),
      /clipSkip must leave a layer of 3: current value is 9/,
    );
  });
});
