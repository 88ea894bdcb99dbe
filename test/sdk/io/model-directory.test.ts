import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openModelDirectory } from '../../../sdk/src/io';
import { readLoraFile } from '../../../sdk/src/io/lora-file';
import { writeLoraFile } from '../../../sdk/src/io/write-lora-file';
import { readStateDict, writeStateDict } from '../../../sdk/src/io/state-dict';
import { writeSafetensors } from '../../../sdk/src/io/write-safetensors';
import { tf } from '../../../sdk/src/tensorflow';

const MODELS = join(__dirname, '../../golden/models');

describe('model directories', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'flowbook-'));
    tf.engine().startScope();
  });
  afterEach(() => {
    tf.engine().endScope();
    rmSync(folder, { recursive: true });
  });

  it('openModelDirectory() knows class, components, settings and weights', () => {
    const model = openModelDirectory(join(MODELS, 'tiny-qwen-image'));
    assert.equal(model.className, 'QwenImagePipeline');
    assert.deepEqual(model.components.transformer, ['diffusers', 'QwenImageTransformer2DModel']);
    assert.equal(model.config('transformer').num_layers, 2);
    assert.equal(model.config('scheduler')._class_name, 'FlowMatchEulerDiscreteScheduler');
    assert.equal(model.stateDict('transformer').size, 77);
  });

  it('stateDict() is the same from one file and from shards', () => {
    const [whole, sharded] = ['tiny-qwen-image', 'tiny-qwen-image-sharded'].map((name) =>
      openModelDirectory(join(MODELS, name)).stateDict('transformer'),
    );
    assert.deepEqual([...sharded.keys()].sort(), [...whole.keys()].sort());
    for (const [name, tensor] of whole) {
      assert.deepEqual(sharded.get(name)?.dataSync(), tensor.dataSync());
    }
  });

  it('openModelDirectory() names what is missing', () => {
    assert.throws(() => openModelDirectory(folder), /model_index.json.*ENOENT/);
    writeFileSync(join(folder, 'model_index.json'), '{}');
    assert.throws(
      () => openModelDirectory(folder),
      /must name a "_class_name": current value is undefined/,
    );
    const index = { _class_name: 'P', vae: ['diffusers', 'V'], unet: [null, null] };
    writeFileSync(join(folder, 'model_index.json'), JSON.stringify(index));
    const model = openModelDirectory(folder);
    assert.throws(
      () => model.config('unet'),
      /Cannot find component "unet" in ".*": present are vae/,
    );
    assert.throws(() => model.config('vae'), /its folder ".*vae" is missing/);
    mkdirSync(join(folder, 'vae'));
    assert.throws(() => model.config('vae'), /must hold config.json or scheduler_config.json/);
    assert.throws(
      () => model.stateDict('vae'),
      /must hold diffusion_pytorch_model.safetensors or model.safetensors, or their index: current value is nothing/,
    );
  });

  it('writeStateDict() splits by size, and a smaller save removes the shards', () => {
    const tensors = new Map(['a', 'b', 'c'].map((name, index) => [name, tf.fill([10], index)]));
    writeStateDict(folder, tensors, { maxShardSize: 80 });
    assert.deepEqual(readdirSync(folder).sort(), [
      'diffusion_pytorch_model-00001-of-00002.safetensors',
      'diffusion_pytorch_model-00002-of-00002.safetensors',
      'diffusion_pytorch_model.safetensors.index.json',
    ]);
    assert.equal(readStateDict(folder).get('c')?.dataSync()[0], 2);
    writeStateDict(folder, tensors, { dtype: 'bfloat16' });
    assert.deepEqual(readdirSync(folder), ['diffusion_pytorch_model.safetensors']);
    assert.equal(readStateDict(folder).get('b')?.dataSync()[0], 1);
  });

  it('readStateDict() refuses an index that leaves the folder or names a missing shard', () => {
    const index = (file: string) =>
      writeFileSync(
        join(folder, 'model.safetensors.index.json'),
        JSON.stringify({ weight_map: { a: file } }),
      );
    index('../a.safetensors');
    assert.throws(
      () => readStateDict(folder),
      /tensor "a" must lie in a .safetensors file beside it/,
    );
    index('b.safetensors');
    assert.throws(() => readStateDict(folder), /its index names "b.safetensors", which is missing/);
    writeSafetensors(join(folder, 'b.safetensors'), { b: tf.scalar(1) });
    assert.throws(() => readStateDict(folder), /Cannot find tensor "a"/);
  });

  it('writeLoraFile() and readLoraFile() keep ranks and scales that differ by layer', () => {
    const layer = (rank: number, alpha: number) => ({
      A: tf.fill<tf.Rank.R2>([rank, 3], rank),
      B: tf.fill<tf.Rank.R2>([2, rank], alpha),
      rank,
      alpha,
    });
    const layers = new Map([
      ['x.to_q', layer(2, 4)],
      ['x.to_k', layer(2, 3)],
      ['y.to_q', layer(1, 4)],
    ]);
    writeLoraFile(folder, layers);
    const loaded = readLoraFile(folder);
    for (const [path, { rank, alpha }] of layers) {
      assert.deepEqual([loaded.get(path)?.rank, loaded.get(path)?.alpha], [rank, alpha], path);
    }
  });

  it('readLoraFile() follows rank-stabilised scaling and alpha patterns of adapter_config.json', () => {
    const names = ['x.to_q', 'x.to_k'].map((path) => `base_model.model.${path}`);
    writeSafetensors(
      join(folder, 'adapter_model.safetensors'),
      Object.fromEntries(
        names.flatMap((name) => [
          [`${name}.lora_A.weight`, tf.ones([4, 3])],
          [`${name}.lora_B.weight`, tf.ones([2, 4])],
        ]),
      ),
    );
    const config = { r: 4, lora_alpha: 6, alpha_pattern: { to_k: 1 }, use_rslora: true };
    const writeConfig = (changes: object) =>
      writeFileSync(join(folder, 'adapter_config.json'), JSON.stringify({ ...config, ...changes }));
    writeConfig({});
    const layers = readLoraFile(folder);
    const scales = [...layers.values()].map(({ rank, alpha }) => alpha / rank);
    assert.deepEqual(scales.sort(), [0.5, 3]);
    writeConfig({ lora_alpha: 'six' });
    assert.throws(
      () => readLoraFile(folder),
      /alpha of layer "x.to_q" must be a number: current value is "six"/,
    );
    writeConfig({ use_dora: true });
    assert.throws(() => readLoraFile(folder), /"use_dora" must be false: current value is true/);
  });

  it('readLoraFile() names tensors that are no LoRA', () => {
    const path = join(folder, 'l.safetensors');
    const refuse = (tensors: Record<string, tf.Tensor>, message: RegExp) => {
      writeSafetensors(path, tensors);
      assert.throws(() => readLoraFile(path), message);
    };
    const [A, B] = [tf.ones([2, 3]), tf.ones([4, 2])];
    refuse(
      { 'x.weight': A },
      /must end in .lora_A.weight or .lora_B.weight: current value is x.weight/,
    );
    refuse({ 'x.lora_A.weight': A }, /layer "x" must have lora_A and lora_B: lora_B is missing/);
    refuse(
      { 'x.lora_A.weight': A, 'x.lora_B.weight': tf.ones([4, 3]) },
      /must have A \(rank, in\) and B \(out, rank\): current value is \[2,3\] and \[4,3\]/,
    );
    refuse(
      { 'text_encoder.x.lora_A.weight': A, 'text_encoder.x.lora_B.weight': B },
      /must hold layers of "transformer"/,
    );
    assert.throws(() => readLoraFile(join(folder, 'none')), /as it must exist/);
  });
});
