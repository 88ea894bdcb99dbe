import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { downloadModel } from '@flowbook/sdk';
import { HubServer } from '../sdk/io/hub/hub-server';
import { servedModel } from '../sdk/io/hub/served-model';
import { referencePython } from './reference-python';

const MODEL = join(__dirname, '../golden/models/tiny-qwen-image');
const name = 'tiny/qwen-image';

describe('the cache of a hub', function () {
  this.timeout(240_000);
  let server: HubServer;
  let cacheFolder: string;

  before(async () => {
    server = await HubServer.start(
      servedModel(name, MODEL, { revisions: { v1: '1'.repeat(40) }, token: 'hf_both' }),
    );
  });

  after(() => server.stop());

  beforeEach(() => {
    cacheFolder = mkdtempSync(join(tmpdir(), 'flowbook-hub-'));
  });

  afterEach(() => rmSync(cacheFolder, { recursive: true }));

  const options = () => ({
    endpoint: server.endpoint,
    cacheFolder,
    token: 'hf_both',
    onProgress: () => {},
  });

  for (const revision of ['main', 'v1']) {
    it(`holds at ${revision} what huggingface_hub downloaded, and no byte is fetched again`, async () => {
      const python = await referencePython();
      const { endpoint } = server;
      const asked = { name, revision, endpoint, cache_folder: cacheFolder, token: 'hf_both' };
      const theirs = await python.call<string>('hub.download', asked);
      const offline = await downloadModel(name, { ...options(), revision, offline: true });
      server.requests.length = 0;
      const ours = await downloadModel(name, { ...options(), revision });
      assert.deepEqual([offline, ours], [theirs, theirs]);
      assert.ok(server.requests.every(({ path }) => path.startsWith('/api/')));
    });

    it(`holds at ${revision} what huggingface_hub and diffusers find offline after our download`, async () => {
      const python = await referencePython();
      const ours = await downloadModel(name, { ...options(), revision });
      const found = await python.call<Record<string, string>>('hub.find', {
        name,
        revision,
        cache_folder: cacheFolder,
      });
      assert.deepEqual(found, {
        snapshot: ours,
        file: join(ours, 'transformer/config.json'),
        diffusers: ours,
      });
      assert.deepEqual(readdirSync(join(cacheFolder, 'models--tiny--qwen-image')).sort(), [
        'blobs',
        'refs',
        'snapshots',
      ]);
    });
  }
});
