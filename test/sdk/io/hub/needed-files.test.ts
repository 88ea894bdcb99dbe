import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { settingsFiles, weightFiles } from '../../../../sdk/src/io/hub/needed-files';
import { localModelFiles } from '../../../../sdk/src/io/model-files';
import { inFolder } from '../../training/run/small-runs';

const MODEL = join(__dirname, '../../../../datasets/tiny-qwen-image');

describe('settingsFiles()', () => {
  it('takes settings, vocabularies and templates by the ends of their names', () => {
    const names = ['config.json', 'merges.txt', 'spiece.model', 'chat_template.jinja'];
    const left = ['config.json.bak', 'notes.txt~', 'model.onnx', 'flax_model.msgpack.index.json'];
    const model = { ...localModelFiles(MODEL), names: () => [...names, ...left] };
    const found = settingsFiles(model).filter((file) => file.startsWith('vae/'));
    assert.deepEqual(
      found,
      names.map((name) => `vae/${name}`),
    );
  });
});

describe('weightFiles()', () => {
  it('names the shard of an index that is missing', () =>
    inFolder(async (folder) => {
      const index = 'diffusion_pytorch_model.safetensors.index.json';
      const shards = [1, 2].map((at) => `diffusion_pytorch_model-0000${at}-of-00002.safetensors`);
      const weight_map = { a: shards[0], b: shards[1] };
      mkdirSync(join(folder, 'vae'));
      writeFileSync(
        join(folder, 'model_index.json'),
        '{"_class_name":"X","vae":["diffusers","Y"]}',
      );
      writeFileSync(join(folder, 'vae', index), JSON.stringify({ metadata: {}, weight_map }));
      const model = (...names: string[]) => ({ ...localModelFiles(folder), names: () => names });
      assert.deepEqual(
        weightFiles(model(index, ...shards), undefined),
        shards.map((name) => `vae/${name}`),
      );
      assert.throws(() => weightFiles(model(index, shards[0]), undefined), {
        message: `Cannot load model "${folder}" as the index of component "vae" names "${shards[1]}", which is missing`,
      });
    }));
});
