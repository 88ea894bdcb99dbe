import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  QwenImage,
  QwenImagePipelineWithLogProb,
  loadPipeline,
  openModelDirectory,
  tf,
} from '@flowbook/sdk';
import { parseTransformerConfig } from '../../../sdk/src/models/qwen-image/transformer-config';
import { parameterShapes } from '../../../sdk/src/models/qwen-image/transformer-parameters';
import { writeFakeComponent } from '../inspection/fake-model';
import { HubServer } from '../io/hub/hub-server';
import { servedModel } from '../io/hub/served-model';
import { textOnStderr } from '../io/hub/text-on-stderr';

const MODEL = join(__dirname, '../../golden/models/tiny-qwen-image');

describe('loadPipeline()', () => {
  it('finds the pipeline by architecture and algorithm, and its parts on disk', async () => {
    const before = tf.memory().numTensors;
    const pipeline = await loadPipeline(MODEL, { height: 64, width: 96 });
    assert.ok(pipeline instanceof QwenImagePipelineWithLogProb);
    assert.deepEqual(
      [pipeline.modelConfig.pipeline.height, pipeline.modelConfig.path],
      [64, MODEL],
    );
    pipeline.dispose();
    assert.equal(tf.memory().numTensors, before);
  });

  it('fromPretrained() gives the class that it is called on, also of a subclass', () => {
    class Own extends QwenImagePipelineWithLogProb {
      readonly own = true;
    }
    const pipeline = Own.fromPretrained({ path: MODEL, height: 64, width: 96 });
    assert.ok(pipeline.own && pipeline instanceof Own);
    pipeline.dispose();
  });

  it('names architecture and algorithm when no pipeline is registered for them', async () => {
    await assert.rejects(loadPipeline(MODEL, { algorithm: 'no_grpo' }), {
      message: `Cannot load "${MODEL}" as a rollout pipeline with fromPretrained must be registered for its architecture and algorithm: current values are QwenImagePipeline and no_grpo`,
    });
  });

  it('refuses a device that is not there, before it loads anything', async () => {
    const before = tf.memory().numTensors;
    await assert.rejects(loadPipeline(MODEL, {}, { device: 'tpu' }), /Cannot use device "tpu"/);
    assert.equal(tf.memory().numTensors, before);
    const scheduler = QwenImage.buildScheduler({ path: MODEL, height: 64, width: 64 });
    assert.throws(
      () => QwenImage.setTimesteps(scheduler, { path: MODEL }, 'cuda:7x'),
      /Cannot use device "cuda:7x"/,
    );
    scheduler.dispose();
  });

  it('frees what it loaded when a part is missing', async () => {
    const broken = mkdtempSync(join(tmpdir(), 'flowbook-'));
    cpSync(MODEL, broken, { recursive: true });
    rmSync(join(broken, 'transformer'), { recursive: true });
    const before = tf.memory().numTensors;
    await assert.rejects(loadPipeline(broken), /transformer/);
    assert.equal(tf.memory().numTensors, before);
    rmSync(broken, { recursive: true });
  });

  it('refuses a transformer that embeds guidance, for which there are no weights', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'flowbook-'));
    cpSync(MODEL, folder, { recursive: true });
    const file = join(folder, 'transformer/config.json');
    const config = JSON.parse(readFileSync(file, 'utf8')) as object;
    writeFileSync(file, JSON.stringify({ ...config, guidance_embeds: true }));
    await assert.rejects(loadPipeline(folder), {
      message: `Cannot load "${folder}" as guidance_embeds of its transformer must be false, for it has no weights: current value is true`,
    });
    rmSync(folder, { recursive: true });
  });

  it('names what a model directory lacks', async () => {
    await assert.rejects(loadPipeline(join(MODEL, 'vae')), /model_index\.json/);
  });

  describe('with a model on a hub', () => {
    const name = 'tiny/qwen-image';
    let server: HubServer;
    let cacheFolder: string;

    before(async () => {
      cacheFolder = mkdtempSync(join(tmpdir(), 'flowbook-'));
      server = await HubServer.start(servedModel(name, MODEL));
    });

    after(async () => {
      await server.stop();
      rmSync(cacheFolder, { recursive: true });
    });

    const hub = () => ({
      endpoint: server.endpoint,
      cacheFolder,
      token: null,
      onProgress: () => {},
    });

    it('refuses what no pipeline is registered for, before weights are downloaded', async () => {
      await assert.rejects(loadPipeline(name, { algorithm: 'no_grpo' }, hub()), {
        message: `Cannot load "${name}" as a rollout pipeline with fromPretrained must be registered for its architecture and algorithm: current values are QwenImagePipeline and no_grpo`,
      });
      assert.ok(server.requests.every(({ isStore }) => !isStore));
    });

    it('downloads it, and loads the same weights as from its folder', async () => {
      const before = tf.memory().numTensors;
      const size = { height: 32, width: 32 };
      const ours = await loadPipeline<QwenImagePipelineWithLogProb>(name, size, hub());
      const local = await loadPipeline<QwenImagePipelineWithLogProb>(MODEL, size);
      assert.ok(ours.modelConfig.path?.startsWith(cacheFolder));
      for (const [parameter, value] of local.transformer.parameters) {
        assert.deepEqual(ours.transformer.parameters.get(parameter)?.dataSync(), value.dataSync());
      }
      [ours, local].forEach((pipeline) => pipeline.dispose());
      assert.equal(tf.memory().numTensors, before);
    });

    it('works offline afterwards, and is no name of a hub where a folder of that name is', async () => {
      const offline = { cacheFolder, offline: true };
      (await loadPipeline(name, {}, offline)).dispose();
      const { path } = openModelDirectory('datasets/tiny-qwen-image');
      (await loadPipeline(path, {}, { ...offline, cacheFolder: '/nowhere' })).dispose();
      await assert.rejects(loadPipeline('tiny/other', {}, offline), {
        message: `Cannot load model "tiny/other" offline as ${cacheFolder} must hold all of it: current value is no revision "main"`,
      });
    });

    it('says what a large model takes before any of its weights are here', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'flowbook-'));
      const config = parseTransformerConfig({ num_layers: 2 });
      cpSync(MODEL, folder, { recursive: true });
      rmSync(join(folder, 'transformer'), { recursive: true });
      const parts = {
        library: 'diffusers',
        className: 'QwenImageTransformer2DModel',
        stem: 'diffusion_pytorch_model',
      };
      const transformer = { ...parts, config, shapes: parameterShapes(config), shards: 2 };
      writeFakeComponent(join(folder, 'transformer'), transformer);
      rmSync(join(folder, 'vae/diffusion_pytorch_model.safetensors'));
      const said = await textOnStderr(() => assert.rejects(loadPipeline(folder), /vae/));
      assert.match(
        said,
        /^\/.*: 1\.4 GB on disk, 2\.9 GB of memory as float32, about \d\.\d GB while it makes a picture of 512 x 512; this machine has [\d.]+ GB\n$/,
      );
      rmSync(folder, { recursive: true });
    });
  });
});
