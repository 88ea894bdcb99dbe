import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QwenImageTransformer2DModel } from '../../../sdk/src/models/qwen-image/transformer';
import { backendInfo, tf } from '../../../sdk/src/tensorflow';
import { checkParameterGradients, farthest } from './model-theory';
import { tinyInputs, tinyTransformer } from './tiny-transformer';

describe('QwenImageTransformer2DModel', () => {
  beforeEach(() => tf.engine().startScope());
  afterEach(() => tf.engine().endScope());

  it('forward() has the gradient that finite differences have, for every kind of parameter', () => {
    const model = tinyTransformer();
    const inputs = tinyInputs();
    const loss = () => tf.mean<tf.Scalar>(tf.square(model.forward(inputs)[0]));
    checkParameterGradients(loss, model.trainableVariables());
    model.dispose();
  });

  it('forward() leaves no gradient where the last block drops the text, and zero for its queries', () => {
    const model = tinyTransformer();
    const inputs = tinyInputs();
    const { grads } = tf.variableGrads(
      () => tf.mean<tf.Scalar>(tf.square(model.forward(inputs)[0])),
      [...model.trainableVariables().values()],
    );
    const gradientOf = (name: string) => grads[model.parameters.get(name)?.name ?? ''];
    for (const name of [
      'attn.to_add_out.weight',
      'txt_mlp.net.0.proj.bias',
      'txt_mlp.net.2.weight',
    ]) {
      assert.equal(gradientOf(`transformer_blocks.1.${name}`), undefined, name);
    }
    for (const name of [
      'attn.add_q_proj.weight',
      'attn.add_q_proj.bias',
      'attn.norm_added_q.weight',
    ]) {
      const gradient = gradientOf(`transformer_blocks.1.${name}`);
      assert.equal(tf.max(tf.abs(gradient)).dataSync()[0], 0, name);
    }
    model.dispose();
  });

  it('forward() does not see padding, wherever it is', () => {
    const model = tinyTransformer();
    const inputs = tinyInputs();
    const noise = tf.mul(
      tf.randomNormal([2, 4, 6]),
      tf.equal(inputs.encoder_hidden_states_mask as tf.Tensor, 0).expandDims(-1),
    );
    const [plain] = model.forward(inputs);
    const [disturbed] = model.forward({
      ...inputs,
      encoder_hidden_states: tf.add(inputs.encoder_hidden_states, noise),
    });
    assert.equal(farthest(plain, disturbed), 0);
    const longer = model.forward({
      ...inputs,
      encoder_hidden_states: tf.pad(inputs.encoder_hidden_states, [
        [0, 0],
        [0, 3],
        [0, 0],
      ]),
      encoder_hidden_states_mask: tf.pad(inputs.encoder_hidden_states_mask as tf.Tensor2D, [
        [0, 0],
        [0, 3],
      ]),
    })[0];
    assert.ok(farthest(plain, longer) < 2e-6);
    model.dispose();
  });

  it('forward() gives rows that do not depend on each other', () => {
    const model = tinyTransformer();
    const inputs = tinyInputs();
    const [both] = model.forward(inputs);
    const row = <T extends tf.Tensor>(x: T) => x.slice([1], [1]) as T;
    const [alone] = model.forward({
      hidden_states: row(inputs.hidden_states),
      encoder_hidden_states: row(inputs.encoder_hidden_states),
      encoder_hidden_states_mask: row(inputs.encoder_hidden_states_mask as tf.Tensor2D),
      timestep: row(inputs.timestep),
      img_shapes: [[[1, 2, 3]]],
      return_dict: false,
    });
    assert.ok(farthest(row(both), alone) < 2e-6);
    model.dispose();
  });

  it('forward() modulates only the first image by time with zero_cond_t', () => {
    const inputs = {
      ...tinyInputs(),
      img_shapes: [
        [
          [1, 2, 2],
          [1, 1, 2],
        ],
        [
          [1, 2, 2],
          [1, 1, 2],
        ],
      ],
    };
    const [plain, zero] = [tinyTransformer(), tinyTransformer({ zero_cond_t: true })];
    const atZero = { ...inputs, timestep: tf.tensor1d([0, 0]) };
    assert.ok(farthest(plain.forward(atZero)[0], zero.forward(atZero)[0]) < 2e-6);
    assert.ok(farthest(plain.forward(inputs)[0], zero.forward(inputs)[0]) > 1e-3);
    const loss = () => tf.mean<tf.Scalar>(tf.square(zero.forward(inputs)[0]));
    const { grads } = tf.variableGrads(loss, [...zero.trainableVariables().values()]);
    const weight = zero.parameters.get('transformer_blocks.0.img_mod.1.weight') as tf.Variable;
    assert.deepEqual(grads[weight.name].shape, weight.shape);
    [plain, zero].forEach((model) => model.dispose());
  });

  it('forward() adds the embedding of additional_t_cond', () => {
    const model = tinyTransformer({ use_additional_t_cond: true });
    const run = (kinds: number[]) =>
      model.forward({ ...tinyInputs(), additional_t_cond: tf.tensor1d(kinds, 'int32') })[0];
    assert.ok(farthest(run([0, 1]), run([0, 0])) > 1e-3);
    assert.throws(
      () => model.forward(tinyInputs()),
      /additional_t_cond must be given, as "use_additional_t_cond" is true/,
    );
    model.dispose();
  });

  it('forward() places layers by use_layer3d_rope', () => {
    const inputs = {
      ...tinyInputs(),
      img_shapes: [
        [
          [1, 2, 2],
          [1, 1, 2],
        ],
        [
          [1, 2, 2],
          [1, 1, 2],
        ],
      ],
    };
    const [plain, layered] = [tinyTransformer(), tinyTransformer({ use_layer3d_rope: true })];
    assert.ok(farthest(plain.forward(inputs)[0], layered.forward(inputs)[0]) > 1e-4);
    [plain, layered].forEach((model) => model.dispose());
  });

  it('forward() returns { sample } unless return_dict is false', () => {
    const model = tinyTransformer();
    const { sample } = model.forward({ ...tinyInputs(), return_dict: true });
    assert.deepEqual(sample.shape, [2, 6, 8]);
    model.dispose();
  });

  it('forward() names the input that does not fit', () => {
    const model = tinyTransformer();
    const inputs = tinyInputs();
    const cases: [object, RegExp][] = [
      [
        { hidden_states: tf.zeros([2, 6, 7]) },
        /hidden_states must be of shape \[2,6,8\]: current value is \[2,6,7\]/,
      ],
      [{ timestep: tf.zeros([3]) }, /timestep must be of shape \[2\]/],
      [
        { encoder_hidden_states_mask: tf.ones([2, 5]) },
        /encoder_hidden_states_mask must be of shape \[2,4\]/,
      ],
      [{ img_shapes: [[[1, 2, 3]]] }, /img_shapes must be 2 equal rows/],
      [
        { img_shapes: [[[1, 2, 2]], [[1, 2, 2]]] },
        /image tokens must be 4, as img_shapes say: current value is 6/,
      ],
      [
        { guidance: tf.ones([1]) },
        /guidance must be null: the model has no weights for "guidance_embeds"/,
      ],
      [
        { attention_kwargs: { mask: 1 } },
        /attention_kwargs must be \{scale\}: current value is \{mask\}/,
      ],
      [
        { controlnet_block_samples: [] },
        /every input must be one of hidden_states, .*: current value is controlnet_block_samples/,
      ],
      [{ txt_seq_lens: [3, 4] }, /every input must be one of .*: current value is txt_seq_lens/],
    ];
    for (const [change, message] of cases) {
      assert.throws(() => model.forward({ ...inputs, ...change } as typeof inputs), message);
    }
    model.dispose();
  });

  it('forward() takes one time for all rows', () => {
    const model = tinyTransformer({ zero_cond_t: true });
    const [one, each] = [tf.tensor1d([0.3]), tf.tensor1d([0.3, 0.3])].map(
      (timestep) => model.forward({ ...tinyInputs(), timestep })[0],
    );
    assert.deepEqual(one.dataSync(), each.dataSync());
    model.dispose();
  });

  it('forward() wants one frame of the last of several layers', () => {
    const model = tinyTransformer({ use_layer3d_rope: true });
    const inputs = tinyInputs();
    const img_shapes = [[[2, 1, 3]], [[2, 1, 3]]];
    assert.throws(
      () => model.forward({ ...inputs, img_shapes }),
      /the number of frames of the last image must be 1, as "use_layer3d_rope" is true: current value is 2/,
    );
    model.dispose();
  });

  it('the constructor names settings and parameters that do not fit', () => {
    const build = (changes: object) => () =>
      new QwenImageTransformer2DModel({ ...changes }, new Map());
    assert.throws(
      build({ num_head: 1 }),
      /every key must be one of patch_size, .*: current value is "num_head"/,
    );
    assert.throws(
      build({ num_layers: 0 }),
      /num_layers must be a whole number from 1 to 1000: current value is 0/,
    );
    assert.throws(
      build({ axes_dims_rope: [4, 4, 4] }),
      /axes_dims_rope must be attention_head_dim, 128/,
    );
    assert.throws(build({}), /txt_norm.weight of shape \[3584\] is missing; .*, and \d+ more/);
  });

  it('forward() and its gradients leave no tensor behind, and dispose() takes the rest', () => {
    const before = tf.memory().numTensors;
    const model = tinyTransformer({ zero_cond_t: true });
    const inputs = tinyInputs();
    const loaded = tf.memory().numTensors;
    model.forward(inputs)[0].dispose();
    const { value, grads } = tf.variableGrads(
      () => tf.mean<tf.Scalar>(model.forward(inputs)[0]),
      [...model.trainableVariables().values()],
    );
    [value, ...Object.values(grads)].forEach((tensor) => tensor.dispose());
    assert.equal(tf.memory().numTensors, loaded);
    model.dispose();
    assert.equal(tf.memory().numTensors, before + 4);
  });

  it('savePretrained() and fromPretrained() give the same bits back', () => {
    const folder = mkdtempSync(join(tmpdir(), 'flowbook-'));
    const model = tinyTransformer();
    const [expected] = model.forward(tinyInputs());
    for (const options of [{}, { maxShardSize: 4000 }]) {
      model.savePretrained(folder, options);
      const loaded = QwenImageTransformer2DModel.fromPretrained(folder);
      assert.deepEqual(loaded.forward(tinyInputs())[0].dataSync(), expected.dataSync());
      loaded.dispose();
    }
    assert.equal(
      JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'))._class_name,
      'QwenImageTransformer2DModel',
    );
    model.dispose();
    rmSync(folder, { recursive: true });
  });

  it('forward() on the JavaScript backend agrees to 1e-4', function () {
    if (backendInfo().name === 'cpu') this.skip();
    const model = tinyTransformer();
    const script = `
      const { tinyInputs, tinyTransformer } = require('./tiny-transformer');
      console.log(JSON.stringify([...tinyTransformer().forward(tinyInputs())[0].dataSync()]));`;
    const output = execFileSync(process.execPath, ['--import', 'tsx', '--eval', script], {
      cwd: __dirname,
      env: { ...process.env, FLOWBOOK_BACKEND: 'cpu' },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [actual] = model.forward(tinyInputs());
    const expected = tf.tensor(JSON.parse(output.trim().split('\n').at(-1) as string), [2, 6, 8]);
    assert.ok(farthest(actual, expected) < 1e-4);
    model.dispose();
  });
});
