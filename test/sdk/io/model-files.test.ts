import assert from 'node:assert/strict';
import { join } from 'node:path';
import { statSync } from 'node:fs';
import { localModelFiles } from '../../../sdk/src/io/model-files';

const MODEL = join(__dirname, '../../../datasets/tiny-qwen-image');

describe('localModelFiles()', () => {
  it('names the files of a folder with their sizes, and none of one that is not there', async () => {
    const files = localModelFiles(MODEL);
    assert.ok(files.names('transformer').includes('config.json'));
    assert.deepEqual(files.names('unet'), []);
    const { size } = statSync(join(MODEL, 'transformer/config.json'));
    assert.equal(files.bytes('transformer/config.json'), size);
    const [weights] = files.names('vae').filter((name) => name.endsWith('.safetensors'));
    assert.ok((await files.header(`vae/${weights}`)).tensors.size > 0);
  });
});
