import assert from 'node:assert/strict';
import fs, { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { downloadModel, type DownloadProgress } from '@flowbook/sdk';
import { inFolder } from '../../training/run/small-runs';
import { HubServer } from './hub-server';
import { servedModel } from './served-model';

const MODEL = join(__dirname, '../../../golden/models/tiny-qwen-image');

describe('downloadModel() on a disk', () => {
  const name = 'tiny/qwen-image';
  let server: HubServer;
  before(async () => {
    server = await HubServer.start(servedModel(name, MODEL));
  });
  after(() => server.stop());

  const download = (cacheFolder: string, onProgress: (progress: DownloadProgress) => void) =>
    downloadModel(name, { endpoint: server.endpoint, cacheFolder, token: null, onProgress });

  it('refuses what does not fit on it, and asks for none of it', () =>
    inFolder(async (folder) => {
      const { statfsSync } = fs;
      fs.statfsSync = (() => ({ bavail: 2, bsize: 500 })) as unknown as typeof statfsSync;
      try {
        await assert.rejects(
          download(folder, () => {}),
          {
            message: new RegExp(
              `^Cannot download model "${name}" as ${folder}/.* must have .* free: current value is 1\\.0 kB$`,
            ),
          },
        );
      } finally {
        fs.statfsSync = statfsSync;
      }
      assert.equal(server.requests.filter(({ isStore }) => isStore).length, 0);
    }));

  it('takes blobs that are there for what names them, and counts them as done', () =>
    inFolder(async (folder) => {
      const directory = await download(folder, () => {});
      rmSync(directory, { recursive: true });
      server.requests.length = 0;
      let last: DownloadProgress | undefined;
      assert.equal(await download(folder, (progress) => (last = progress)), directory);
      assert.ok(existsSync(join(directory, 'vae/diffusion_pytorch_model.safetensors')));
      assert.equal(server.requests.filter(({ isStore }) => isStore).length, 0);
      assert.ok(last !== undefined && last.totalBytes > 0);
      assert.equal(last.doneBytes, last.totalBytes);
    }));
});
