import assert from 'node:assert/strict';
import { join } from 'node:path';
import { settingsFiles } from '../../../../sdk/src/io/hub/needed-files';
import { localModelFiles } from '../../../../sdk/src/io/model-files';

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
