import assert from 'node:assert/strict';
import { readComponentConfig } from '../../../../sdk/src/io/model-directory';
import { readStateDict } from '../../../../sdk/src/io/state-dict';
import { Qwen2_5_VLTextEncoder } from '../../../../sdk/src/models/qwen-image/text-encoder';
import { tf } from '../../../../sdk/src/tensorflow';
import { model } from '../model-outputs';
import { oneByOne } from '../one-by-one';

const ids = (rows: number[][]): tf.Tensor2D => tf.tensor2d(rows, undefined, 'int32');

function farthest(a: tf.Tensor, b: tf.Tensor): number {
  assert.deepEqual(a.shape, b.shape);
  return tf.tidy(() => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]);
}

describe('Qwen2_5_VLTextEncoder', () => {
  let encoder: Qwen2_5_VLTextEncoder;
  const folder = `${model}/text_encoder`;
  before(() => (encoder = Qwen2_5_VLTextEncoder.fromPretrained(model)));
  after(() => encoder.dispose());
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());

  it('forward() gives tokens the same states whatever padding follows or precedes them', () => {
    const alone = encoder.forward({ input_ids: ids([[5, 17, 6]]) });
    for (const [row, mask, start] of [
      [[5, 17, 6, 900, 900], [1, 1, 1, 0, 0], 0],
      [[5, 17, 6, 3, 4], [1, 1, 1, 0, 0], 0],
      [[900, 900, 5, 17, 6], [0, 0, 1, 1, 1], 2],
    ] as [number[], number[], number][]) {
      const padded = encoder.forward({ input_ids: ids([row]), attention_mask: ids([mask]) });
      assert.ok(farthest(padded.slice([0, start], [1, 3]), alone) < 1e-5);
      assert.ok(padded.dataSync().every(Number.isFinite));
    }
  });

  it('forward() of two rows gives what two rows by themselves give', () => {
    const both = encoder.forward({
      input_ids: ids([
        [5, 17, 6],
        [8, 9, 10],
      ]),
    });
    const first = encoder.forward({ input_ids: ids([[5, 17, 6]]) });
    const second = encoder.forward({ input_ids: ids([[8, 9, 10]]) });
    assert.ok(farthest(both, tf.concat([first, second])) < 1e-5);
  });

  it('forward() lets no token see a later one', () => {
    const one = encoder.forward({ input_ids: ids([[5, 17, 6, 7]]) });
    const other = encoder.forward({ input_ids: ids([[5, 17, 6, 99]]) });
    assert.ok(farthest(one.slice([0, 0], [1, 3]), other.slice([0, 0], [1, 3])) < 1e-6);
    assert.ok(farthest(one, other) > 0.1);
  });

  it('hiddenStates() begins with the embedding and ends with what forward() gives', () => {
    const input_ids = ids([[5, 17]]);
    const states = encoder.hiddenStates({ input_ids });
    assert.equal(states.length, encoder.config.num_hidden_layers + 1);
    assert.deepEqual(states[2].dataSync(), encoder.forward({ input_ids }).dataSync());
  });

  it('forward() gives as one graph what it gives under a gradient, where each operation runs by itself', () => {
    const input_ids = ids([[5, 17, 6, 2, 9]]);
    const [expected] = oneByOne(() => [encoder.forward({ input_ids })]);
    assert.deepEqual(expected.shape, [1, 5, 32]);
    assert.ok(farthest(encoder.forward({ input_ids }), expected) < 1e-5);
    expected.dispose();
  });

  it('fromPretrained() reads shards, and both namings of the text model', () => {
    const input_ids = ids([[5, 17, 6]]);
    const expected = encoder.forward({ input_ids });
    const sharded = Qwen2_5_VLTextEncoder.fromPretrained(`${model}-sharded`);
    assert.deepEqual(sharded.forward({ input_ids }).dataSync(), expected.dataSync());
    sharded.dispose();

    const renamed = new Map(
      [...readStateDict(folder)].map(([name, tensor]) => [
        name.replace(/^model\./, 'model.language_model.'),
        tensor,
      ]),
    );
    const other = new Qwen2_5_VLTextEncoder(readComponentConfig(folder), renamed);
    assert.deepEqual(other.forward({ input_ids }).dataSync(), expected.dataSync());
    other.dispose();
  });

  it('reads older configurations, whose text settings stand at the top', () => {
    const { text_config } = readComponentConfig(folder) as { text_config: Record<string, unknown> };
    const settings = { ...text_config, rope_parameters: undefined };
    const config = {
      ...settings,
      rope_theta: 1e6,
      rope_scaling: { type: 'mrope', mrope_section: [1, 1, 2] },
    };
    const older = new Qwen2_5_VLTextEncoder(config, readStateDict(folder));
    assert.deepEqual(older.config, encoder.config);
    older.dispose();
  });

  it('leaves no tensors behind, and dispose() frees the weights', () => {
    const input_ids = ids([[5, 17, 6]]);
    const before = tf.memory().numTensors;
    const own = Qwen2_5_VLTextEncoder.fromPretrained(model);
    const loaded = tf.memory().numTensors;
    own.forward({ input_ids }).dispose();
    assert.equal(tf.memory().numTensors, loaded);
    own.dispose();
    assert.equal(tf.memory().numTensors, before);
  });

  it('refuses ids outside the vocabulary, and masks of another shape', () => {
    assert.throws(() => encoder.forward({ input_ids: ids([[5, 922]]) }), {
      message: 'Cannot encode text as ids must be 0 to 921: current value is 922',
    });
    const inputs = { input_ids: ids([[5, 6]]), attention_mask: ids([[1]]) };
    assert.throws(() => encoder.forward(inputs), {
      message:
        'Cannot encode text as attention_mask must have the shape of input_ids (1, 2): current value is (1, 1)',
    });
  });

  it('refuses rules that are not built, and checkpoints without the text model', () => {
    const config = { ...encoder.config, rope_scaling: { rope_type: 'yarn' } };
    assert.throws(() => new Qwen2_5_VLTextEncoder(config, new Map()), {
      message:
        'Cannot build Qwen2_5_VLTextEncoder as rope_type must be "default" or "mrope": current value is "yarn"',
    });
    assert.throws(() => new Qwen2_5_VLTextEncoder({ ...encoder.config }, new Map()), {
      message:
        'Cannot make a Qwen2_5_VLTextEncoder as its checkpoint must hold "*embed_tokens.weight": current value has 0 other tensors',
    });
    const half = new Map([['model.embed_tokens.weight', tf.zeros([922, 32])]]);
    assert.throws(() => new Qwen2_5_VLTextEncoder({ ...encoder.config }, half), {
      message:
        'Cannot build Qwen2_5_VLTextEncoder as parameters must fit the configuration: model.layers.0.input_layernorm.weight of shape [32] is missing; model.layers.0.self_attn.q_proj.weight of shape [32,32] is missing; model.layers.0.self_attn.q_proj.bias of shape [32] is missing, and 22 more',
    });
  });
});
