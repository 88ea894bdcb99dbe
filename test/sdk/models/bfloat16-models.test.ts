import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AutoencoderKLQwenImage,
  CLIPTextModelWithProjection,
  CompiledModel,
  Qwen2_5_VLTextEncoder,
  QwenImageTransformer2DModel,
  RandomKey,
  SD3Transformer2DModel,
  T5EncoderModel,
  inspectModel,
  isBfloat16,
  tf,
  type ModelDtype,
} from '@flowbook/sdk';
import { openSafetensors } from '../../../sdk/src/io';
import { bytesHeld } from '../tensorflow/bytes-held';
import * as sd3 from './stable-diffusion-3/tiny-transformer';
import { tinyInputs, tinyTransformer } from './tiny-transformer';

const QWEN = join(__dirname, '../../golden/models/tiny-qwen-image');
const SD3 = join(__dirname, '../../golden/models/tiny-sd3');
const FILE = 'diffusion_pytorch_model.safetensors';

/** |a - b| / |b| */
function distance(a: tf.Tensor, b: tf.Tensor): number {
  return tf.tidy(() => tf.div(tf.norm(tf.sub(a, b)), tf.norm(b)).dataSync()[0]);
}

/** Rounding to bfloat16 moves a value by 2^-8 of itself at most; some layers of it by this. */
const ROUNDING = 2 ** -5;

describe('models in bfloat16', function () {
  this.timeout(60_000);
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'flowbook-'));
    tf.engine().startScope();
  });
  afterEach(() => {
    tf.engine().endScope();
    rmSync(folder, { recursive: true });
  });

  /** The transformers of a kind in both types, from weights that float32 files hold, and their inputs. */
  const transformers = {
    'Qwen-Image': () => {
      tinyTransformer({ use_additional_t_cond: true }).savePretrained(folder);
      const load = (dtype: ModelDtype) =>
        QwenImageTransformer2DModel.fromPretrained(folder, { dtype });
      const condition = tf.tensor1d([1, 0], 'int32');
      return { load, inputs: { ...tinyInputs(), additional_t_cond: condition } };
    },
    'Stable Diffusion 3.5': () => {
      sd3.tinyTransformer(sd3.VERSION_3_5).savePretrained(folder);
      const load = (dtype: ModelDtype) => SD3Transformer2DModel.fromPretrained(folder, { dtype });
      return { load, inputs: sd3.tinyInputs() };
    },
  };

  for (const [name, make] of Object.entries(transformers)) {
    it(`fromPretrained() predicts as in float32 but for rounding, eager as compiled (${name})`, () => {
      const { load, inputs } = make();
      const [wide, half] = [load('float32'), load('bfloat16')];
      assert.deepEqual([wide.dtype, half.dtype], ['float32', 'bfloat16']);
      const predict = (model: typeof wide) =>
        (model.forward as (inputs: object) => [tf.Tensor])(inputs)[0];
      const [expected, y, again] = [predict(wide), predict(half), predict(half)];
      assert.deepEqual(again.dataSync(), y.dataSync());
      const off = distance(y, expected);
      assert.ok(off > 1e-5 && off < ROUNDING, `${off}`);
      const compiled = new CompiledModel(half as QwenImageTransformer2DModel);
      const [inGraph] = compiled.forward({ ...inputs });
      const [inGraphAgain] = compiled.forward({ ...inputs });
      assert.deepEqual(inGraphAgain.dataSync(), inGraph.dataSync());
      // Another order of float32 sums may round a value to its neighbour.
      assert.ok(distance(inGraph, y) < ROUNDING / 4);
      compiled.dispose();
      [wide, half].forEach((model) => model.dispose());
    });

    it(`adapters on a frozen model have the gradients of float32 but for rounding (${name})`, () => {
      const { load, inputs } = make();
      const gradientsOf = (dtype: ModelDtype, compile: boolean) => {
        const model = load(dtype);
        model.addLora({ rank: 2, key: RandomKey.fromSeed(1) });
        for (const [path, variable] of model.trainableVariables()) {
          assert.ok(!isBfloat16(variable));
          if (path.includes('lora_B'))
            tf.tidy(() => variable.assign(tf.fill(variable.shape, 0.05)));
        }
        const compiled = new CompiledModel(model as QwenImageTransformer2DModel);
        const forward = compile
          ? (inputs: object) => compiled.forward(inputs as Parameters<typeof compiled.forward>[0])
          : (model.forward.bind(model) as unknown as (inputs: object) => [tf.Tensor]);
        const variables = model.trainableVariables();
        const { grads } = tf.variableGrads(
          () => tf.mean(tf.square(forward(inputs)[0])) as tf.Scalar,
          [...variables.values()],
        );
        // What the last block's text would add to reaches nothing.
        const reached = [...variables.values()].filter(({ name }) => grads[name] != null);
        const flat = tf.concat(reached.map(({ name }) => grads[name].flatten()));
        compiled.dispose();
        model.dispose();
        return flat;
      };
      const expected = gradientsOf('float32', false);
      for (const compile of [false, true]) {
        const off = distance(gradientsOf('bfloat16', compile), expected);
        assert.ok(off > 1e-5 && off < 2 * ROUNDING, `${off}`);
      }
    });
  }

  it('text encoders read prompts as in float32 but for rounding', () => {
    const ids = tf.tensor2d([[5, 9, 1, 2]], [1, 4], 'int32');
    const encoders = {
      qwen: (dtype: ModelDtype) => Qwen2_5_VLTextEncoder.fromPretrained(QWEN, { dtype }),
      clip: (dtype: ModelDtype) =>
        CLIPTextModelWithProjection.fromPretrained(SD3, 'text_encoder', { dtype }),
      t5: (dtype: ModelDtype) => T5EncoderModel.fromPretrained(SD3, 'text_encoder_3', { dtype }),
    };
    for (const [name, load] of Object.entries(encoders)) {
      const [expected, y] = (['float32', 'bfloat16'] as const).map((dtype) => {
        const encoder = load(dtype);
        const result = encoder.forward({ input_ids: ids });
        encoder.dispose();
        return result instanceof tf.Tensor ? result : result.text_embeds;
      });
      const off = distance(y, expected);
      assert.ok(off > 1e-5 && off < ROUNDING, `${name}: ${off}`);
    }
  });

  it('matrices take two bytes a value, as inspectModel() says; vectors stay float32', async () => {
    const halves = QwenImageTransformer2DModel.fromPretrained(QWEN, { dtype: 'bfloat16' });
    let bytes = 0;
    for (const [name, weight] of halves.parameters) {
      const width = weight.rank === 2 ? 2 : 4;
      assert.equal(bytesHeld(weight), width * weight.size, name);
      bytes += width * weight.size;
    }
    const loaded = async (dtype: ModelDtype) => {
      const { components } = await inspectModel(QWEN, { dtype });
      return Object.fromEntries(components.map((one) => [one.name, one.loadedBytes]));
    };
    const [half, wide] = [await loaded('bfloat16'), await loaded('float32')];
    assert.equal(half.transformer, bytes);
    assert.equal(half.vae, wide.vae);
    assert.ok(half.transformer < 0.52 * wide.transformer);
    assert.ok(half.text_encoder < 0.52 * wide.text_encoder);
    halves.dispose();
  });

  it('savePretrained() writes a bfloat16 checkpoint as it was read', () => {
    const [first, second] = [join(folder, 'first'), join(folder, 'second')];
    const wide = tinyTransformer();
    wide.savePretrained(first, { dtype: 'bfloat16' });
    const halves = QwenImageTransformer2DModel.fromPretrained(first, { dtype: 'bfloat16' });
    halves.savePretrained(second);
    assert.deepEqual(readFileSync(join(second, FILE)), readFileSync(join(first, FILE)));
    halves.savePretrained(second, { dtype: 'float32' });
    const file = openSafetensors(join(second, FILE));
    const source = openSafetensors(join(first, FILE));
    for (const name of file.names()) {
      assert.equal(file.info(name).dtype, 'F32');
      assert.deepEqual(file.tensor(name).dataSync(), source.tensor(name).dataSync());
    }
    [file, source].forEach((one) => one.close());
    [wide, halves].forEach((model) => model.dispose());
  });

  it('mergeLora() rounds the sum; unmergeLora() takes it back to the last bit', () => {
    tinyTransformer().savePretrained(folder);
    const model = QwenImageTransformer2DModel.fromPretrained(folder, { dtype: 'bfloat16' });
    model.addLora({ rank: 2, key: RandomKey.fromSeed(1) });
    for (const [path, variable] of model.trainableVariables()) {
      if (path.includes('lora_B')) tf.tidy(() => variable.assign(tf.fill(variable.shape, 0.5)));
    }
    const inputs = tinyInputs();
    const [apart] = model.forward(inputs);
    model.mergeLora();
    assert.equal(model.dtype, 'bfloat16');
    const [merged] = model.forward(inputs);
    assert.ok(distance(merged, apart) < ROUNDING);
    model.unmergeLora();
    assert.deepEqual(model.forward(inputs)[0].dataSync(), apart.dataSync());
    model.dispose();
  });

  it('fromPretrained() leaves no tensor behind, and refuses types that a model does not have', () => {
    const { numTensors } = tf.memory();
    QwenImageTransformer2DModel.fromPretrained(QWEN, { dtype: 'bfloat16' }).dispose();
    assert.equal(tf.memory().numTensors, numTensors);
    assert.throws(
      () => QwenImageTransformer2DModel.fromPretrained(QWEN, { dtype: 'float16' as ModelDtype }),
      /^Error: Cannot load QwenImageTransformer2DModel from ".*" as dtype must be float32 or bfloat16: current value is "float16"$/,
    );
    const options: object = { dtype: 'bfloat16' };
    assert.throws(
      () => AutoencoderKLQwenImage.fromPretrained(QWEN, options),
      /as dtype must be float32: current value is "bfloat16"$/,
    );
  });
});
