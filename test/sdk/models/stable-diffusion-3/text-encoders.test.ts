import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import {
  assemblePromptEmbeddings,
  CLIPTextModelWithProjection,
  T5EncoderModel,
} from '../../../../sdk/src/models';
import { clipTextConfig } from '../../../../sdk/src/models/stable-diffusion-3/clip-config';
import { t5Config } from '../../../../sdk/src/models/stable-diffusion-3/t5-config';
import {
  distanceBucket,
  t5PositionBias,
} from '../../../../sdk/src/models/stable-diffusion-3/t5-position-bias';
import { tf } from '../../../../sdk/src/tensorflow';
import { draw, farthest } from '../model-theory';
import { oneByOne } from '../one-by-one';

const golden = resolve(__dirname, '../../../golden/models/tiny-sd3');
const ids = (rows: number[][]) => tf.tensor2d(rows, [rows.length, rows[0].length], 'int32');

/** Loads, runs, and counts the tensors that stay. */
function checkMemory(load: () => { dispose(): void }, run: (model: never) => tf.Tensor[]): void {
  const before = tf.memory().numTensors;
  const model = load();
  const loaded = tf.memory().numTensors;
  tf.dispose(run(model as never));
  assert.equal(tf.memory().numTensors, loaded);
  model.dispose();
  assert.equal(tf.memory().numTensors, before);
}

describe('CLIPTextModelWithProjection', () => {
  let clip: CLIPTextModelWithProjection;
  before(() => (clip = CLIPTextModelWithProjection.fromPretrained(golden)));
  after(() => clip.dispose());
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());

  it('forward() lets no token see what is behind it', () => {
    const [short, long] = [
      [1097, 5, 9],
      [1097, 5, 9, 44, 1098],
    ].map((row) => clip.forward({ input_ids: ids([row]) }));
    const beginning = long.last_hidden_state.slice([0, 0, 0], [1, 3, 16]);
    assert.ok(farthest(short.last_hidden_state, beginning) < 1e-5);
  });

  it('forward() with a mask gives what the text gives without its padding', () => {
    const masked = clip.forward({
      input_ids: ids([[7, 1097, 5, 1098]]),
      attention_mask: ids([[0, 1, 1, 1]]),
    });
    const other = clip.forward({
      input_ids: ids([[900, 1097, 5, 1098]]),
      attention_mask: ids([[0, 1, 1, 1]]),
    });
    assert.ok(farthest(masked.text_embeds, other.text_embeds) < 1e-6);
  });

  it('forward() gives as one graph what it gives under a gradient, where each operation runs by itself', () => {
    const given = () => {
      const input_ids = ids([[7, 1097, 5, 1098]]);
      const attention_mask = ids([[0, 1, 1, 1]]);
      const { last_hidden_state, text_embeds, hidden_states } = clip.forward({
        input_ids,
        attention_mask,
      });
      return [last_hidden_state, text_embeds, ...hidden_states];
    };
    const expected = oneByOne(given);
    given().forEach((tensor, at) => assert.ok(farthest(tensor, expected[at]) < 1e-5));
    tf.dispose(expected);
  });

  it('forward() pools the largest id, or the first end token where the settings name one', () => {
    const stateDict = new Map<string, tf.Tensor>();
    const width = 4;
    const put = (name: string, shape: number[]) => stateDict.set(name, draw(name, shape));
    put('text_model.embeddings.token_embedding.weight', [12, width]);
    put('text_model.embeddings.position_embedding.weight', [8, width]);
    for (const end of ['weight', 'bias']) put(`text_model.final_layer_norm.${end}`, [width]);
    stateDict.set('text_projection.weight', tf.eye(width));
    for (const path of ['mlp.fc1', 'mlp.fc2', 'layer_norm1', 'layer_norm2']) {
      const isNorm = path.startsWith('layer');
      put(`text_model.encoder.layers.0.${path}.weight`, isNorm ? [width] : [width, width]);
      put(`text_model.encoder.layers.0.${path}.bias`, [width]);
    }
    for (const path of ['q_proj', 'k_proj', 'v_proj', 'out_proj']) {
      put(`text_model.encoder.layers.0.self_attn.${path}.weight`, [width, width]);
      put(`text_model.encoder.layers.0.self_attn.${path}.bias`, [width]);
    }
    const build = (eos: number) =>
      new CLIPTextModelWithProjection(
        {
          vocab_size: 12,
          hidden_size: width,
          intermediate_size: width,
          projection_dim: width,
          num_attention_heads: 2,
          num_hidden_layers: 1,
          max_position_embeddings: 8,
          eos_token_id: eos,
        },
        stateDict,
      );
    for (const [eos, place] of [
      [2, 3],
      [7, 1],
    ]) {
      const model = build(eos);
      const output = model.forward({ input_ids: ids([[1, 7, 3, 11, 7]]) });
      const expected = output.last_hidden_state.slice([0, place, 0], [1, 1, width]);
      assert.ok(farthest(output.text_embeds, expected.reshape([1, width])) < 1e-6);
      model.dispose();
    }
  });

  it('forward() gives one more hidden state than there are layers, the last one before the norm', () => {
    const output = clip.forward({ input_ids: ids([[1097, 5, 1098]]) });
    assert.equal(output.hidden_states.length, clip.config.num_hidden_layers + 1);
    const last = output.hidden_states.at(-1) as tf.Tensor;
    assert.ok(farthest(last, output.last_hidden_state) > 1e-2);
  });

  it('leaves no tensors behind, and dispose() frees the weights', () => {
    checkMemory(
      () => CLIPTextModelWithProjection.fromPretrained(golden, 'text_encoder_2'),
      (model: CLIPTextModelWithProjection) => {
        const input_ids = ids([[1097, 1098]]);
        const { hidden_states, ...rest } = model.forward({ input_ids });
        return [input_ids, ...hidden_states, ...Object.values(rest)] as tf.Tensor[];
      },
    );
  });

  it('names what does not fit', () => {
    assert.throws(
      () => clip.forward({ input_ids: tf.zeros([1, 78], 'int32') }),
      /it must have at most 77 tokens: current value is 78/,
    );
    assert.throws(
      () => clip.forward({ input_ids: ids([[1099]]) }),
      /ids must be 0 to 1098: current value is 1099/,
    );
    assert.throws(
      () => clipTextConfig({ hidden_act: 'tanh' }),
      /its activation must be one of gelu, .*: current value is "tanh"/,
    );
    assert.throws(
      () => clipTextConfig({ hidden_size: 10 }),
      /hidden_size must be a multiple of num_attention_heads, 8: current value is 10/,
    );
    assert.throws(
      () => new CLIPTextModelWithProjection({}, new Map()),
      /text_model.embeddings.token_embedding.weight of shape \[49408,512\] is missing/,
    );
  });
});

describe('T5EncoderModel', () => {
  let t5: T5EncoderModel;
  before(() => (t5 = T5EncoderModel.fromPretrained(golden)));
  after(() => t5.dispose());
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());

  it('distanceBucket() gives near keys a bucket each and sorts far ones by the logarithm', () => {
    const settings = { relative_attention_num_buckets: 32, relative_attention_max_distance: 128 };
    const bucket = (distance: number) => distanceBucket(distance, settings);
    assert.deepEqual([0, -1, -7, 1, 7].map(bucket), [0, 1, 7, 17, 23]);
    // 8 log(distance / 8) / log 16 more than 8: whole at 8, 16, 32, 64, and cut off at 128.
    assert.deepEqual([-8, -15, -16, -32, -64, -127].map(bucket), [8, 9, 10, 12, 14, 15]);
    assert.deepEqual([-128, -5000, 128, 5000].map(bucket), [15, 15, 31, 31]);
  });

  it('t5PositionBias() depends on the distance alone', () => {
    const table = draw('table', [32, 2]) as tf.Tensor2D;
    const bias = t5PositionBias(table, 6, t5.config);
    assert.deepEqual(bias.shape, [1, 2, 6, 6]);
    const [upper, lower] = [bias.slice([0, 0, 0, 0], [1, 2, 5, 5]), bias.slice([0, 0, 1, 1])];
    assert.equal(farthest(upper, lower), 0);
  });

  it('forward() does not see padding that the mask leaves out', () => {
    const short = t5.forward({ input_ids: ids([[11, 19, 1]]) });
    const padded = t5.forward({
      input_ids: ids([[11, 19, 1, 0, 0]]),
      attention_mask: ids([[1, 1, 1, 0, 0]]),
    });
    assert.ok(farthest(short, padded.slice([0, 0, 0], [1, 3, 48])) < 1e-5);
    const unmasked = t5.forward({ input_ids: ids([[11, 19, 1, 0, 0]]) });
    assert.ok(farthest(short, unmasked.slice([0, 0, 0], [1, 3, 48])) > 1e-3);
  });

  it('forward() of two rows gives what two rows by themselves give', () => {
    const rows = [
      [11, 19, 1],
      [5, 90, 1],
    ];
    const alone = tf.concat(rows.map((row) => t5.forward({ input_ids: ids([row]) })));
    assert.ok(farthest(t5.forward({ input_ids: ids(rows) }), alone) < 1e-5);
  });

  it('forward() gives as one graph what it gives under a gradient, where each operation runs by itself', () => {
    const input_ids = ids([[11, 19, 1, 0]]);
    const attention_mask = ids([[1, 1, 1, 0]]);
    const [expected] = oneByOne(() => [t5.forward({ input_ids, attention_mask })]);
    assert.ok(farthest(t5.forward({ input_ids, attention_mask }), expected) < 1e-5);
    expected.dispose();
  });

  it('takes the embedding under either of its names, and a feed-forward layer without a gate', () => {
    const config = {
      vocab_size: 9,
      d_model: 4,
      d_kv: 3,
      d_ff: 5,
      num_layers: 1,
      num_heads: 2,
      feed_forward_proj: 'relu',
    };
    const block = 'encoder.block.0.layer';
    const shapes: [string, number[]][] = [
      ['encoder.embed_tokens.weight', [9, 4]],
      [`${block}.0.SelfAttention.relative_attention_bias.weight`, [32, 2]],
      [`${block}.0.layer_norm.weight`, [4]],
      ...['q', 'k', 'v'].map((name): [string, number[]] => [
        `${block}.0.SelfAttention.${name}.weight`,
        [6, 4],
      ]),
      [`${block}.0.SelfAttention.o.weight`, [4, 6]],
      [`${block}.1.layer_norm.weight`, [4]],
      [`${block}.1.DenseReluDense.wi.weight`, [5, 4]],
      [`${block}.1.DenseReluDense.wo.weight`, [4, 5]],
      ['encoder.final_layer_norm.weight', [4]],
    ];
    const stateDict = new Map(shapes.map(([name, shape]) => [name, draw(name, shape)]));
    const input_ids = ids([[1, 8]]);
    const first = new T5EncoderModel(config, stateDict);
    stateDict.set('shared.weight', stateDict.get('encoder.embed_tokens.weight') as tf.Tensor);
    stateDict.delete('encoder.embed_tokens.weight');
    const second = new T5EncoderModel(config, stateDict);
    assert.equal(farthest(first.forward({ input_ids }), second.forward({ input_ids })), 0);
    [first, second].forEach((model) => model.dispose());
  });

  it('leaves no tensors behind, and dispose() frees the weights', () => {
    checkMemory(
      () => T5EncoderModel.fromPretrained(golden),
      (model: T5EncoderModel) => {
        const input_ids = ids([[11, 1]]);
        return [input_ids, model.forward({ input_ids })];
      },
    );
  });

  it('names what does not fit', () => {
    assert.throws(() => t5Config({ feed_forward_proj: 'gated-tanh' }), /current value is "tanh"/);
    assert.throws(
      () => t5Config({ relative_attention_num_buckets: 3 }),
      /relative_attention_num_buckets must be a whole number from 4: current value is 3/,
    );
    assert.throws(
      () => new T5EncoderModel({}, new Map()),
      /shared.weight of shape \[32128,512\] is missing/,
    );
  });
});

describe('assemblePromptEmbeddings()', () => {
  it('lays CLIP side by side, widens it with zeros, and puts T5 behind it', () => {
    tf.tidy(() => {
      const clip = (width: number, value: number) => ({
        states: tf.fill([1, 2, width], value) as tf.Tensor3D,
        pooled: tf.fill([1, width], value) as tf.Tensor2D,
      });
      const t5 = tf.fill([1, 1, 4], 9) as tf.Tensor3D;
      const result = assemblePromptEmbeddings(clip(1, 1), clip(2, 2), t5);
      assert.deepEqual(result.prompt_embeds.arraySync(), [
        [
          [1, 2, 2, 0],
          [1, 2, 2, 0],
          [9, 9, 9, 9],
        ],
      ]);
      assert.deepEqual(result.pooled_prompt_embeds.arraySync(), [[1, 2, 2]]);
      assert.throws(
        () => assemblePromptEmbeddings(clip(3, 1), clip(2, 2), t5),
        /CLIP's must be at most as wide as T5's 4: current value is 5/,
      );
    });
  });
});
