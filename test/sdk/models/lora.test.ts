import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RandomKey } from '../../../sdk/src/core/random-key';
import { readLoraFile } from '../../../sdk/src/io/lora-file';
import { selectLoraTargets } from '../../../sdk/src/models/lora-targets';
import { QwenImageTransformer2DModel } from '../../../sdk/src/models/qwen-image/transformer';
import { tf } from '../../../sdk/src/tensorflow';
import { tinyInputs, tinyTransformer } from './tiny-transformer';

const MODELS = join(__dirname, '../../golden/models');
const key = RandomKey.fromSeed(11);

const farthest = (a: tf.Tensor, b: tf.Tensor) =>
  tf.tidy(() => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]);

/** Makes every B of the model's adapters differ from zero. */
function fillB(model: QwenImageTransformer2DModel): void {
  for (const [name, variable] of model.trainableVariables()) {
    if (name.includes('lora_B')) tf.tidy(() => variable.assign(tf.fill(variable.shape, 0.05)));
  }
}

describe('LoRA', () => {
  let model: QwenImageTransformer2DModel;
  beforeEach(() => {
    tf.engine().startScope();
    model = tinyTransformer();
  });
  afterEach(() => {
    model.dispose();
    tf.engine().endScope();
  });

  it('addLora() changes nothing at first, to the last bit', () => {
    const [base] = model.forward(tinyInputs());
    model.addLora({ rank: 3, alpha: 6, key });
    assert.deepEqual(model.forward(tinyInputs())[0].dataSync(), base.dataSync());
  });

  it('addLora() draws A with standard deviation 1 / rank, the same for a key', () => {
    model.addLora({ rank: 4, key, targetModules: ['img_mod.1'] });
    const other = tinyTransformer();
    other.addLora({ rank: 4, key, targetModules: ['img_mod.1'] });
    const name = 'transformer_blocks.0.img_mod.1.lora_A.weight';
    const [a, b] = [model, other].map((each) => each.trainableVariables().get(name) as tf.Variable);
    assert.deepEqual(a.dataSync(), b.dataSync());
    const deviation = Math.sqrt(tf.mean(tf.square(a)).dataSync()[0]);
    assert.ok(Math.abs(deviation - 0.25) < 0.08, `${deviation}`);
    other.dispose();
  });

  it("addLora() with initLoraWeights true draws A as PEFT's Kaiming start does, within 1 / sqrt(in)", () => {
    model.addLora({ rank: 6, key, targetModules: ['img_mod.1'], initLoraWeights: true });
    const A = model.trainableVariables().get('transformer_blocks.0.img_mod.1.lora_A.weight');
    const drawn = [...(A as tf.Variable).dataSync()].map((value) => value * Math.sqrt(16));
    assert.ok(Math.max(...drawn.map(Math.abs)) <= 1);
    // Uniform between -1 and 1: variance 1/3.
    const variance = drawn.reduce((sum, value) => sum + value ** 2, 0) / drawn.length;
    assert.ok(Math.abs(variance - 1 / 3) < 0.1, `${variance}`);
  });

  it('setAdapters() multiplies the scale of an adapter from then on', () => {
    model.addLora({ rank: 2, key });
    fillB(model);
    const [half] = model.forward({ ...tinyInputs(), attention_kwargs: { scale: 0.5 } });
    model.setAdapters('default', 0.5);
    assert.equal(farthest(half, model.forward(tinyInputs())[0]), 0);
    model.setAdapters([]);
    model.setAdapters(['default']);
    assert.equal(farthest(half, model.forward(tinyInputs())[0]), 0);
    assert.throws(() => model.setAdapters('default', [1, 2]), {
      message:
        'Cannot choose adapters as weights must be 1 numbers, one a name: current value is [1,2]',
    });
  });

  it('trainableVariables() are A and B alone once there are adapters', () => {
    assert.equal(model.trainableVariables().size, model.parameters.size);
    model.addLora({ rank: 2, key, targetModules: ['to_q', 'to_v'] });
    const expected = [0, 1].flatMap((block) =>
      ['to_q', 'to_v'].flatMap((layer) =>
        ['lora_A', 'lora_B'].map(
          (part) => `transformer_blocks.${block}.attn.${layer}.${part}.weight`,
        ),
      ),
    );
    assert.deepEqual([...model.trainableVariables().keys()].sort(), expected.sort());
  });

  it('a gradient step on adapters lowers the loss', () => {
    model.addLora({ rank: 2, key });
    const variables = [...model.trainableVariables().values()];
    const loss = () => tf.mean<tf.Scalar>(tf.square(model.forward(tinyInputs())[0]));
    const { value, grads } = tf.variableGrads(loss, variables);
    for (const variable of variables) {
      const gradient = grads[variable.name];
      if (gradient !== undefined) variable.assign(tf.sub(variable, tf.mul(gradient, 0.05)));
    }
    assert.ok(loss().dataSync()[0] < value.dataSync()[0]);
  });

  it('disableLora(), enableLora() and attention_kwargs.scale switch adapters', () => {
    const [base] = model.forward(tinyInputs());
    model.addLora({ rank: 2, key });
    fillB(model);
    const [adapted] = model.forward(tinyInputs());
    assert.ok(farthest(base, adapted) > 1e-3);
    const [scaled] = model.forward({ ...tinyInputs(), attention_kwargs: { scale: 0 } });
    assert.equal(farthest(base, scaled), 0);
    model.disableLora();
    assert.equal(farthest(base, model.forward(tinyInputs())[0]), 0);
    model.enableLora();
    assert.equal(farthest(adapted, model.forward(tinyInputs())[0]), 0);
  });

  it('several adapters add up, and setActive() chooses among them', () => {
    const [base] = model.forward(tinyInputs());
    model.addLora({ rank: 2, key, targetModules: ['to_q'], adapterName: 'old' });
    fillB(model);
    const [old] = model.forward(tinyInputs());
    model.addLora({ rank: 1, key, targetModules: ['to_q'] });
    assert.equal(farthest(old, model.forward(tinyInputs())[0]), 0);
    assert.ok(
      [...model.trainableVariables().keys()].some((name) => name.endsWith('lora_A.old.weight')),
    );
    model.adapters.setActive(['default']);
    assert.equal(farthest(base, model.forward(tinyInputs())[0]), 0);
    assert.throws(
      () => model.adapters.setActive(['new']),
      /Cannot find adapter "new": present are old, default/,
    );
  });

  it('mergeLora() predicts the same, and unmergeLora() gives the weights back to the last bit', () => {
    const before = [...model.parameters.values()].map((variable) => variable.dataSync());
    model.addLora({ rank: 2, key });
    fillB(model);
    const inputs = tinyInputs();
    const [adapted] = model.forward(inputs);
    const tensors = tf.memory().numTensors;
    model.mergeLora();
    const [merged] = model.forward(inputs);
    const distance = farthest(merged, adapted);
    assert.ok(distance < 2e-6, `${distance}`);
    merged.dispose();
    assert.throws(() => model.mergeLora(), /call unmergeLora\(\) first/);
    model.unmergeLora();
    assert.equal(tf.memory().numTensors, tensors);
    [...model.parameters.values()].forEach((variable, index) => {
      assert.deepEqual(variable.dataSync(), before[index]);
    });
  });

  it('merged adapters are not added a second time, whatever is chosen or switched', () => {
    const [base] = model.forward(tinyInputs());
    model.addLora({ rank: 2, key });
    fillB(model);
    const [adapted] = model.forward(tinyInputs());
    model.mergeLora();
    assert.deepEqual([model.adapters.active, model.adapters.merged], [[], ['default']]);
    model.enableLora();
    assert.ok(farthest(adapted, model.forward(tinyInputs())[0]) < 2e-6);
    const first = 'call unmergeLora() first';
    assert.throws(() => model.adapters.using(['default'], () => {}), {
      message: `Cannot choose adapter "default" as it must not be merged into the weights: ${first}`,
    });
    const merged = `as none must be merged into the weights: merged are default; ${first}`;
    assert.throws(() => model.setAdapters([]), { message: `Cannot choose adapters ${merged}` });
    assert.throws(() => model.disableLora(), { message: `Cannot leave adapters out ${merged}` });
    assert.equal(model.trainableVariables().size, 0);
    model.unmergeLora();
    assert.deepEqual([model.adapters.active, model.adapters.merged], [['default'], []]);
    assert.equal(farthest(adapted, model.forward(tinyInputs())[0]), 0);
    model.disableLora();
    assert.equal(farthest(base, model.forward(tinyInputs())[0]), 0);
  });

  it('an adapter that is added to a merged model is trained on top, and takes part beside what was merged', () => {
    model.addLora({ rank: 2, key, adapterName: 'style' });
    fillB(model);
    model.mergeLora();
    const [merged] = model.forward(tinyInputs());
    model.addLora({ rank: 1, key });
    assert.equal(farthest(merged, model.forward(tinyInputs())[0]), 0);
    const variables = [...model.trainableVariables().values()];
    const { grads } = tf.variableGrads(
      () => tf.mean<tf.Scalar>(tf.square(model.forward(tinyInputs())[0])),
      variables,
    );
    assert.ok(Object.keys(grads).length > 0);
    fillB(model);
    const [both] = model.forward(tinyInputs());
    assert.ok(farthest(merged, both) > 1e-3);
    assert.equal(
      model.adapters.using([], () => farthest(merged, model.forward(tinyInputs())[0])),
      0,
    );
    // What was merged stays in the weights when its adapter goes, until it is taken back.
    model.adapters.remove('style');
    assert.equal(farthest(both, model.forward(tinyInputs())[0]), 0);
    model.unmergeLora();
    assert.deepEqual(model.adapters.active, ['default']);
    assert.ok(farthest(both, model.forward(tinyInputs())[0]) > 1e-3);
  });

  it('saveLora() and loadLora() give the same bits back, also with a scale of its own', () => {
    const folder = mkdtempSync(join(tmpdir(), 'flowbook-'));
    model.addLora({ rank: 3, alpha: 4.5, key, targetModules: '.*\\.to_[qk]' });
    fillB(model);
    model.saveLora(folder);
    const other = tinyTransformer();
    other.loadLora(folder);
    assert.deepEqual(
      other.forward(tinyInputs())[0].dataSync(),
      model.forward(tinyInputs())[0].dataSync(),
    );
    other.dispose();
    rmSync(folder, { recursive: true });
  });

  it("loadLora() reads diffusers' and PEFT's form of the same adapters alike", () => {
    for (const name of ['tiny-qwen-image-lora-r4-alpha8', 'tiny-qwen-image-lora-r2-alpha2-qv']) {
      const forms = ['pytorch_lora_weights', 'adapter_model'].map((file) =>
        readLoraFile(join(MODELS, name, `${file}.safetensors`)),
      );
      const flat = forms.map((form) =>
        [...form]
          .map(([path, { A, B, rank, alpha }]) => [
            path,
            rank,
            alpha,
            [...A.dataSync()],
            [...B.dataSync()],
          ])
          .sort(),
      );
      assert.deepEqual(flat[0], flat[1]);
    }
  });

  it('loadLora() names the layer that does not fit', () => {
    const path = join(MODELS, 'tiny-qwen-image-lora-r2-alpha2-qv');
    assert.throws(
      () => model.loadLora(path),
      /layer "transformer_blocks.0.attn.to_q" must have 16 inputs and 16 outputs: current value is 64 and 64/,
    );
  });

  it('addLora() refuses a target that matches nothing, a taken name and a rank of 0', () => {
    assert.throws(
      () => model.addLora({ rank: 1, key, targetModules: ['to_x'] }),
      /Cannot add adapters as "to_x" must match a linear layer: there are .*attn.to_q/,
    );
    assert.throws(() => model.addLora({ rank: 0, key }), /rank must be a whole number from 1/);
    model.addLora({ rank: 1, key });
    assert.throws(() => model.addLora({ rank: 1, key }), /the name must be free/);
  });

  it('selectLoraTargets() follows ends of paths, whole expressions and all-linear', () => {
    const layers = ['a.to_q', 'a.add_to_q', 'b.to_q.0'];
    assert.deepEqual(selectLoraTargets(layers, ['to_q']), ['a.to_q']);
    assert.deepEqual(selectLoraTargets(layers, 'a\\..*'), ['a.to_q', 'a.add_to_q']);
    assert.deepEqual(selectLoraTargets(layers, 'all-linear'), layers);
  });
});
