import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AutoencoderKL,
  AutoencoderKLQwenImage,
  CLIPTextModelWithProjection,
  QwenImageTransformer2DModel,
  Qwen2_5_VLTextEncoder,
  RandomKey,
  SD3Transformer2DModel,
  T5EncoderModel,
  formatModelReport,
  inspectModel,
  openModelDirectory,
  tf,
  type ModelReport,
} from '@flowbook/sdk';
import { parseTransformerConfig } from '../../../sdk/src/models/qwen-image/transformer-config';
import { parameterShapes } from '../../../sdk/src/models/qwen-image/transformer-parameters';
import { HubServer } from '../io/hub/hub-server';
import { servedModel } from '../io/hub/served-model';
import { writeFakeModel } from './fake-model';
import { measuredModel, peakBytes } from './measured-model';

const MODELS = join(__dirname, '../../golden/models');
const QWEN = join(MODELS, 'tiny-qwen-image');

/** How each class is loaded, from the model's folder and the component's name. */
const LOADERS: Record<string, (path: string, component: string) => { dispose(): void }> = {
  QwenImageTransformer2DModel: (path) => QwenImageTransformer2DModel.fromPretrained(path),
  SD3Transformer2DModel: (path) => SD3Transformer2DModel.fromPretrained(path),
  AutoencoderKLQwenImage: (path) => AutoencoderKLQwenImage.fromPretrained(path),
  AutoencoderKL: (path) => AutoencoderKL.fromPretrained(path),
  Qwen2_5_VLForConditionalGeneration: (path) => Qwen2_5_VLTextEncoder.fromPretrained(path),
  CLIPTextModelWithProjection: (path, name) =>
    CLIPTextModelWithProjection.fromPretrained(path, name),
  T5EncoderModel: (path, name) => T5EncoderModel.fromPretrained(path, name),
};

describe('inspectModel()', () => {
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'flowbook-inspect-'));
  });

  after(() => rmSync(folder, { recursive: true }));

  const component = (report: ModelReport, name: string) => {
    const found = report.components.find((one) => one.name === name);
    assert.ok(found, name);
    return found;
  };

  for (const model of ['tiny-qwen-image', 'tiny-qwen-image-bf16', 'tiny-sd3', 'tiny-sd35']) {
    it(`predicts to the byte what the weights of ${model} take once they are loaded`, async () => {
      const path = join(MODELS, model);
      const before = tf.memory().numTensors;
      const report = await inspectModel(path);
      assert.equal(tf.memory().numTensors, before);
      let compared = 0;
      for (const { name, className, files, loadedBytes, problem } of report.components) {
        if (files.length === 0) continue;
        assert.equal(problem, null, name);
        const { numBytes } = tf.memory();
        const loaded = LOADERS[className as string](path, name);
        assert.equal(tf.memory().numBytes - numBytes, loadedBytes, name);
        loaded.dispose();
        compared += 1;
      }
      assert.ok(compared >= 3);
    });
  }

  it('predicts what new adapters take, and their targets', async () => {
    const settings = { rank: 3, targetModules: ['to_q', 'to_v'] };
    const { memory } = await inspectModel(QWEN, { ...settings, average: true });
    const transformer = QwenImageTransformer2DModel.fromPretrained(QWEN);
    const { numBytes } = tf.memory();
    transformer.addLora({ ...settings, key: RandomKey.fromSeed(0) });
    const bytes = tf.memory().numBytes - numBytes;
    assert.deepEqual(
      [memory.lora?.adapters, memory.lora?.gradients, memory.lora?.moments, memory.lora?.average],
      [bytes, bytes, 2 * bytes, bytes],
    );
    assert.equal(memory.lora?.layers, transformer.adapters.get('default').size);
    assert.equal(memory.lora?.parameters, bytes / 4);
    transformer.dispose();
    await assert.rejects(
      inspectModel(QWEN, { targetModules: ['to_x'] }),
      /"to_x" must match a linear layer/,
    );
  });

  it('counts parameters, types, files and bytes of shards', async () => {
    const report = await inspectModel(join(MODELS, 'tiny-qwen-image-sharded', 'transformer'));
    const whole = component(await inspectModel(QWEN), 'transformer');
    const [sharded] = report.components;
    assert.equal(report.kind, 'component');
    assert.equal(sharded.className, 'QwenImageTransformer2DModel');
    assert.ok(sharded.files.length > 1);
    assert.deepEqual([sharded.parameters, sharded.dtypes], [whole.parameters, whole.dtypes]);
    const bytes = sharded.files.reduce(
      (sum, { path }) => sum + statSync(join(report.path, path)).size,
      0,
    );
    assert.equal(sharded.diskBytes, bytes);
    const halves = component(await inspectModel(`${QWEN}-bf16`), 'transformer');
    assert.deepEqual(Object.keys(halves.dtypes), ['BF16']);
    assert.equal(halves.loadedBytes, whole.loadedBytes);
  });

  it('counts matrices at two bytes with dtype bfloat16, and no training of all weights', async () => {
    const report = await inspectModel(QWEN, { dtype: 'bfloat16' });
    const wide = await inspectModel(QWEN);
    const { inference, lora, full } = report.memory;
    assert.equal(full, null);
    const saved = wide.memory.inference.weights - inference.weights;
    assert.equal(wide.memory.lora?.adapters, lora?.adapters);
    const matrices = (name: string) => {
      const [half, all] = [report, wide].map((one) => component(one, name).loadedBytes);
      return all - half;
    };
    assert.equal(saved, matrices('transformer') + matrices('text_encoder'));
    assert.match(
      formatModelReport(report),
      /matrices of transformer and text encoders in bfloat16/,
    );
    const options: object = { dtype: 'float16' };
    await assert.rejects(inspectModel(QWEN, options), {
      message: `Cannot inspect "${QWEN}" as dtype must be float32 or bfloat16: current value is "float16"`,
    });
  });

  it('inspects 20 billion parameters in 40 GB of shards within a second or two', async () => {
    const config = parseTransformerConfig({});
    const path = join(folder, 'large');
    writeFakeModel(path, 'QwenImagePipeline', {
      transformer: {
        library: 'diffusers',
        className: 'QwenImageTransformer2DModel',
        config,
        shapes: parameterShapes(config),
        stem: 'diffusion_pytorch_model',
        shards: 9,
      },
    });
    const start = performance.now();
    const report = await inspectModel(path);
    const seconds = (performance.now() - start) / 1000;
    const { parameters, diskBytes, loadedBytes, problem } = component(report, 'transformer');
    assert.equal(parameters, 20_430_401_088);
    assert.ok(diskBytes > 40e9);
    assert.deepEqual([loadedBytes, problem], [4 * 20_430_401_088, null]);
    assert.ok(seconds < 5, `${seconds} s`);
  });

  for (const [model, side] of [
    ['tiny-qwen-image', 64],
    ['tiny-qwen-image', 128],
    ['tiny-sd3', 128],
    ['tiny-sd35', 64],
  ] as const) {
    it(`estimates what ${model} takes for ${side} x ${side} within a factor of 1.6 of what TensorFlow holds`, async () => {
      const path = join(MODELS, model);
      const size = { height: side, width: side, textTokens: 24, batch: 2, rank: 4 };
      const { memory } = await inspectModel(path, size);
      const { decode, predict, addLora, dispose } = await measuredModel(path, size);
      const loss = () => tf.mean(tf.square(predict())) as tf.Scalar;
      const decoding = await peakBytes(decode);
      const forward = await peakBytes(predict);
      const full = await peakBytes(() => tf.variableGrads(loss).grads);
      const variables = addLora();
      const lora = await peakBytes(() => tf.variableGrads(loss, variables).grads);
      dispose();
      const near = (name: string, estimate: number, measured: number) => {
        const ratio = estimate / measured;
        assert.ok(
          ratio > 1 / 1.6 && ratio < 1.6,
          `${name}: ${estimate} for ${measured} (${ratio})`,
        );
      };
      const sum = (need: ModelReport['memory']['lora' | 'full']) =>
        (need?.activations ?? 0) + (need?.gradients ?? 0) + (need?.weightCopies ?? 0);
      near('inference', memory.inference.activations ?? 0, Math.max(forward, decoding));
      near('full', sum(memory.full), full);
      near('LoRA', sum(memory.lora), lora);
    });
  }

  it('says what it does not know, and what would not load', async () => {
    const path = join(folder, 'unknown');
    cpSync(QWEN, path, { recursive: true });
    const index = JSON.parse(JSON.stringify(openModelDirectory(QWEN).index));
    index.transformer = ['diffusers', 'FluxTransformer2DModel'];
    writeFileSync(join(path, 'model_index.json'), JSON.stringify(index));
    const report = await inspectModel(path);
    const { isKnown, parameters, loadedBytes } = component(report, 'transformer');
    assert.deepEqual([isKnown, loadedBytes], [false, 4 * parameters]);
    assert.deepEqual([report.memory.lora, report.memory.inference.activations], [null, null]);
    const text = formatModelReport(report);
    assert.match(
      text,
      /^transformer: Flowbook does not load FluxTransformer2DModel; its numbers are those of the headers$/m,
    );

    writeFileSync(join(path, 'model_index.json'), JSON.stringify(openModelDirectory(QWEN).index));
    const config = openModelDirectory(QWEN).config('transformer');
    writeFileSync(
      join(path, 'transformer/config.json'),
      JSON.stringify({ ...config, num_layers: 1 }),
    );
    const broken = component(await inspectModel(path), 'transformer');
    assert.match(
      broken.problem ?? '',
      /^Cannot load QwenImageTransformer2DModel as parameters must fit the configuration: /,
    );
  });

  it('tells adapters in both forms, by folder and by file', async () => {
    const lora = join(MODELS, 'tiny-qwen-image-lora-r4-alpha8');
    const ours = await inspectModel(lora);
    const theirs = await inspectModel(join(lora, 'adapter_model.safetensors'));
    assert.deepEqual([ours.kind, ours.lora?.form, ours.lora?.ranks], ['lora', 'diffusers', [4]]);
    assert.deepEqual([theirs.kind, theirs.lora?.form], ['lora', 'PEFT']);
    assert.deepEqual(ours.lora?.targets, theirs.lora?.targets);
    const file = await inspectModel(join(QWEN, 'vae/diffusion_pytorch_model.safetensors'));
    assert.deepEqual([file.kind, file.lora], ['weights', null]);
  });

  it('reads settings and headers of a model on a hub, and downloads no weights', async () => {
    const server = await HubServer.start(servedModel('tiny/qwen-image', QWEN));
    try {
      const report = await inspectModel('tiny/qwen-image', {
        endpoint: server.endpoint,
        cacheFolder: join(folder, 'cache'),
        token: null,
      });
      const local = await inspectModel(QWEN);
      assert.deepEqual(report.components, local.components);
      assert.deepEqual(report.memory, local.memory);
      const reads = server.requests.filter(({ isStore }) => isStore);
      assert.ok(reads.length >= 3);
      assert.ok(reads.every(({ range }) => range?.startsWith('bytes=0-')));
    } finally {
      await server.stop();
    }
  });

  it('names what it cannot inspect', async () => {
    const nothing = join(folder, 'nothing');
    await assert.rejects(inspectModel(nothing), {
      message: `Cannot inspect "${nothing}" as it must be a folder, a .safetensors file or owner/name on a hub: there is nothing`,
    });
    mkdirSync(nothing);
    await assert.rejects(inspectModel(nothing), {
      message: `Cannot inspect "${nothing}" as it must hold model_index.json, config.json or an adapter: current value is an empty folder`,
    });
    await assert.rejects(
      inspectModel(join(QWEN, 'model_index.json')),
      /a file must end in \.safetensors/,
    );
    await assert.rejects(inspectModel(QWEN, { rank: 0 }), {
      message: 'Cannot inspect a model as rank must be a whole number from 1: current value is 0',
    });
  });

  it('is plain data that shows itself as a table in a notebook', async () => {
    const report = await inspectModel(QWEN, { height: 64, width: 64, textTokens: 20, rank: 4 });
    assert.deepEqual(JSON.parse(JSON.stringify(report)), report);
    const show = (report as unknown as Record<symbol, () => Promise<Record<string, string>>>)[
      Symbol.for('Jupyter.display')
    ];
    assert.equal((await show())['text/plain'], formatModelReport(report));
    const lines = formatModelReport(report).split('\n');
    const rows = lines.slice(2, 9);
    const ends = rows.map((row) => row.length);
    assert.deepEqual(new Set(ends), new Set([ends[0]]));
  });
});
