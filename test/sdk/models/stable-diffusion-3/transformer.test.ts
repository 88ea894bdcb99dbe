import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { RandomKey } from '../../../../sdk/src/core/random-key';
import { SD3Transformer2DModel } from '../../../../sdk/src/models/stable-diffusion-3/transformer';
import { backendInfo, tf } from '../../../../sdk/src/tensorflow';
import { checkParameterGradients, draw, farthest } from '../model-theory';
import { tinyInputs, tinyTransformer, VERSION_3_5 } from './tiny-transformer';

const golden = resolve(__dirname, '../../../golden/models/tiny-sd3');

/** sin and cos of position / 10000^(4 i / C): the column's in the first half of C, the row's in the second. */
function sinCosTable(side: number, C: number, scale: number): number[] {
  const features = (position: number) => {
    const angles = Array.from({ length: C / 4 }, (_, i) => position / 10000 ** ((4 * i) / C));
    return [...angles.map(Math.sin), ...angles.map(Math.cos)];
  };
  return Array.from({ length: side * side }, (_, index) => [
    ...features((index % side) * scale),
    ...features(Math.floor(index / side) * scale),
  ]).flat();
}

describe('SD3Transformer2DModel', () => {
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());

  for (const [version, changes] of Object.entries({ 3: {}, 3.5: VERSION_3_5 })) {
    it(`forward() of version ${version} has the gradient that finite differences have, for every kind of parameter`, () => {
      const model = tinyTransformer(changes);
      const inputs = tinyInputs();
      const loss = () => tf.mean<tf.Scalar>(tf.square(model.forward(inputs)[0]));
      checkParameterGradients(loss, model.trainableVariables());
      model.dispose();
    });
  }

  it('forward() reaches every trainable parameter, those of the last text queries with zero', () => {
    const model = tinyTransformer(VERSION_3_5);
    const variables = model.trainableVariables();
    const { grads } = tf.variableGrads(
      () => tf.mean<tf.Scalar>(tf.square(model.forward(tinyInputs())[0])),
      [...variables.values()],
    );
    for (const [name, variable] of variables) {
      const isQuery = /^transformer_blocks\.1\.attn\.(add_q_proj|norm_added_q)/.test(name);
      const largest = tf.max(tf.abs(grads[variable.name])).dataSync()[0];
      assert.equal(largest === 0, isQuery, name);
    }
    model.dispose();
  });

  it('trainableVariables() leaves the table of positions out, and savePretrained() writes it', () => {
    const model = tinyTransformer();
    const all = [...model.parameters.keys()];
    const trained = all.filter((name) => name !== 'pos_embed.pos_embed');
    assert.equal(trained.length, all.length - 1);
    assert.deepEqual([...model.trainableVariables().keys()], trained);
    model.dispose();
  });

  it("a checkpoint's table of positions is that of sines and cosines", () => {
    const model = SD3Transformer2DModel.fromPretrained(golden);
    const { pos_embed_max_size: side, sample_size, patch_size } = model.config;
    const table = model.parameters.get('pos_embed.pos_embed') as tf.Variable;
    const scale = sample_size / patch_size / side;
    const expected = tf.tensor(sinCosTable(side, table.shape[2] as number, scale), table.shape);
    assert.ok(farthest(table as tf.Tensor, expected) < 1e-6);
    model.dispose();
  });

  it('forward() takes the positions of a picture from the middle of the table', () => {
    const [plain, marked] = [tinyTransformer(), tinyTransformer()];
    const table = marked.parameters.get('pos_embed.pos_embed') as tf.Variable;
    // 2 x 3 patches of 5 x 5: rows 1 and 2, columns 1 to 3.
    const inside = tf.pad(tf.ones([2, 3]), [
      [1, 2],
      [1, 1],
    ]);
    const noise = (where: tf.Tensor) =>
      table.assign(tf.add(table, tf.mul(where.reshape([1, 25, 1]), draw('noise', [1, 25, 12]))));
    const distance = () =>
      farthest(plain.forward(tinyInputs())[0], marked.forward(tinyInputs())[0]);
    noise(tf.sub(1, inside));
    assert.equal(distance(), 0);
    noise(inside);
    assert.ok(distance() > 1e-2);
    [plain, marked].forEach((model) => model.dispose());
  });

  it('forward() knows no order of text tokens', () => {
    const model = tinyTransformer(VERSION_3_5);
    const inputs = tinyInputs();
    const [plain] = model.forward(inputs);
    const [reversed] = model.forward({
      ...inputs,
      encoder_hidden_states: tf.reverse(inputs.encoder_hidden_states, 1),
    });
    assert.ok(farthest(plain, reversed) < 5e-6);
    model.dispose();
  });

  it('forward() gives rows that do not depend on each other', () => {
    const model = tinyTransformer(VERSION_3_5);
    const inputs = tinyInputs();
    const row = <T extends tf.Tensor>(x: T) => x.slice([1], [1]) as T;
    const [alone] = model.forward({
      hidden_states: row(inputs.hidden_states),
      encoder_hidden_states: row(inputs.encoder_hidden_states),
      pooled_projections: row(inputs.pooled_projections),
      timestep: row(inputs.timestep),
      return_dict: false,
    });
    assert.ok(farthest(row(model.forward(inputs)[0]), alone) < 5e-6);
    model.dispose();
  });

  it('forward() puts a patch of the prediction where the patch of the latents is', () => {
    // Without blocks every patch goes its own way.
    const model = tinyTransformer();
    const inputs = { ...tinyInputs(), skip_layers: [0, 1] };
    const [plain] = model.forward(inputs);
    const place = [
      [0, 1],
      [0, 0],
      [2, 0],
      [4, 0],
    ] as [number, number][];
    const patch = tf.pad(draw('patch', [1, 3, 2, 2]), place);
    const changed = model.forward({
      ...inputs,
      hidden_states: tf.add(inputs.hidden_states, patch) as tf.Tensor4D,
    })[0];
    const difference = tf.abs(tf.sub(plain, changed)) as tf.Tensor4D;
    assert.ok(tf.min(difference.slice([0, 0, 2, 4], [1, 3, 2, 2])).dataSync()[0] > 0);
    const elsewhere = tf.mul(difference, tf.sub(1, tf.pad(tf.ones([1, 3, 2, 2]), place)));
    assert.equal(tf.max(elsewhere).dataSync()[0], 0);
    model.dispose();
  });

  it('forward() ignores a mask of the text and scales adapters', () => {
    const model = tinyTransformer();
    const inputs = tinyInputs();
    const [plain] = model.forward(inputs);
    const run = (joint_attention_kwargs: object) =>
      model.forward({ ...inputs, joint_attention_kwargs })[0];
    assert.equal(farthest(plain, run({ attention_mask: tf.zeros([2, 4]) })), 0);
    model.addLora({ rank: 2, key: RandomKey.fromSeed(1), targetModules: ['to_q', 'ff.net.2'] });
    for (const [name, variable] of model.trainableVariables()) {
      variable.assign(draw(name, variable.shape));
    }
    assert.ok(farthest(plain, run({ scale: 1 })) > 1e-2);
    assert.equal(farthest(plain, run({ scale: 0 })), 0);
    model.dispose();
  });

  it('mergeLora() predicts the same, and unmergeLora() gives the weights back to the last bit', () => {
    const model = SD3Transformer2DModel.fromPretrained(golden);
    const inputs = {
      hidden_states: draw('x', [1, 4, 6, 8]) as tf.Tensor4D,
      encoder_hidden_states: draw('text', [1, 3, 48]) as tf.Tensor3D,
      pooled_projections: draw('pooled', [1, 40]) as tf.Tensor2D,
      timestep: tf.tensor1d([999]),
      return_dict: false as const,
    };
    const [plain] = model.forward(inputs);
    model.loadLora(`${golden}-lora-r4-alpha4`);
    const [adapted] = model.forward(inputs);
    assert.ok(farthest(plain, adapted) > 1e-2);
    model.mergeLora();
    assert.ok(farthest(model.forward(inputs)[0], adapted) < 5e-6);
    model.unmergeLora();
    model.disableLora();
    assert.equal(farthest(model.forward(inputs)[0], plain), 0);
    model.dispose();
  });

  it('forward() returns { sample } unless return_dict is false', () => {
    const model = tinyTransformer({ out_channels: 2 });
    const { sample } = model.forward({ ...tinyInputs(), return_dict: true });
    assert.deepEqual(sample.shape, [2, 2, 4, 6]);
    model.dispose();
  });

  it('forward() names the input that does not fit', () => {
    const model = tinyTransformer();
    const cases: [object, RegExp][] = [
      [
        { hidden_states: tf.zeros([2, 4, 4, 6]) },
        /hidden_states must be of shape \[2,3,4,6\]: current value is \[2,4,4,6\]/,
      ],
      [
        { hidden_states: tf.zeros([2, 3, 4, 12]) },
        /the sides of hidden_states must be multiples of 2 up to 10: current value is 4 x 12/,
      ],
      [{ hidden_states: tf.zeros([2, 3, 5, 4]) }, /current value is 5 x 4/],
      [{ timestep: tf.zeros([3]) }, /timestep must be of shape \[2\]/],
      [{ encoder_hidden_states: tf.zeros([2, 4, 6]) }, /encoder_hidden_states must be of shape/],
      [{ pooled_projections: tf.zeros([2, 8]) }, /pooled_projections must be of shape \[2,7\]/],
      [
        { joint_attention_kwargs: { ip_adapter_image_embeds: 1 } },
        /joint_attention_kwargs must be \{scale, attention_mask\}: current value is \{ip_adapter/,
      ],
      [
        { block_controlnet_hidden_states: [] },
        /every input must be one of hidden_states, .*: current value is block_controlnet_hidden_states/,
      ],
    ];
    for (const [change, message] of cases) {
      const inputs = { ...tinyInputs(), ...change } as ReturnType<typeof tinyInputs>;
      assert.throws(() => model.forward(inputs), message);
    }
    model.dispose();
  });

  it('the constructor names settings and parameters that do not fit', () => {
    const build = (changes: object) => () => new SD3Transformer2DModel({ ...changes }, new Map());
    assert.throws(build({ axes_dims_rope: [4] }), /every key must be one of sample_size, /);
    assert.throws(
      build({ qk_norm: 'layer_norm' }),
      /qk_norm must be "rms_norm" or null: current value is "layer_norm"/,
    );
    assert.throws(
      build({ dual_attention_layers: [-1] }),
      /dual_attention_layers must be a list of whole numbers from 0: current value is \[-1\]/,
    );
    assert.throws(
      build({ caption_projection_dim: 8 }),
      /caption_projection_dim must be num_attention_heads \* attention_head_dim, 1152/,
    );
    assert.throws(
      build({}),
      /pos_embed.pos_embed of shape \[1,9216,1152\] is missing; .*, and \d+ more/,
    );
  });

  it('forward() and its gradients leave no tensor behind, and dispose() takes the rest', () => {
    const before = tf.memory().numTensors;
    const model = tinyTransformer(VERSION_3_5);
    const inputs = tinyInputs();
    const loaded = tf.memory().numTensors;
    model.forward(inputs)[0].dispose();
    const { value, grads } = tf.variableGrads(
      () => tf.mean<tf.Scalar>(model.forward(inputs)[0]),
      [...model.trainableVariables().values()],
    );
    tf.dispose([value, ...Object.values(grads)]);
    assert.equal(tf.memory().numTensors, loaded);
    model.dispose();
    assert.equal(tf.memory().numTensors, before + 4);
  });

  it('savePretrained() and fromPretrained() give the same bits back, also in shards', () => {
    const folder = mkdtempSync(join(tmpdir(), 'flowbook-'));
    const model = tinyTransformer(VERSION_3_5);
    const [expected] = model.forward(tinyInputs());
    for (const options of [{}, { maxShardSize: 4000 }]) {
      model.savePretrained(folder, options);
      const loaded = SD3Transformer2DModel.fromPretrained(folder);
      assert.deepEqual(loaded.forward(tinyInputs())[0].dataSync(), expected.dataSync());
      loaded.dispose();
    }
    model.dispose();
    rmSync(folder, { recursive: true });
  });

  it('forward() on the JavaScript backend agrees to 1e-4', function () {
    if (backendInfo().name === 'cpu') this.skip();
    const script = require.resolve('./tiny-transformer.ts');
    const output = execFileSync(process.execPath, ['--require', 'tsx/cjs', script], {
      env: { ...process.env, FLOWBOOK_BACKEND: 'cpu' },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const model = tinyTransformer(VERSION_3_5);
    const [actual] = model.forward(tinyInputs());
    assert.ok(farthest(actual, tf.tensor(JSON.parse(output), actual.shape)) < 1e-4);
    model.dispose();
  });
});
