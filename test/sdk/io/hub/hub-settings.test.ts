import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { hubSettings } from '../../../../sdk/src/io/hub/hub-settings';
import { keepEnvironment } from '../../../setup/keep-environment';

const NAMES = [
  ...['HF_HOME', 'HF_HUB_CACHE', 'HUGGINGFACE_HUB_CACHE', 'XDG_CACHE_HOME', 'HF_TOKEN_PATH'],
  ...['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN', 'HF_HUB_DISABLE_IMPLICIT_TOKEN', 'HF_ENDPOINT'],
];

describe('hubSettings()', () => {
  const restore = keepEnvironment(...NAMES);
  beforeEach(() => NAMES.forEach((name) => delete process.env[name]));
  after(restore);

  it('expands ~ at the start of a path alone, and variables', () => {
    for (const [given, folder] of [
      ['~', homedir()],
      ['~/models', join(homedir(), 'models')],
      ['~models', '~models'],
      ['/data/~/models', '/data/~/models'],
      ['$HF_ENDPOINT/x', 'https://hub/x'],
      ['${HF_ENDPOINT}x', 'https://hubx'],
      ['/$HF_NO_SUCH_VARIABLE', '/$HF_NO_SUCH_VARIABLE'],
    ]) {
      Object.assign(process.env, { HF_ENDPOINT: 'https://hub', HF_HUB_CACHE: given });
      assert.equal(hubSettings({ token: null }).cacheFolder, folder);
    }
  });

  it('reads the token of a file without the line break, and none of an empty one', () => {
    const folder = mkdtempSync(join(tmpdir(), 'flowbook-token-'));
    process.env.HF_TOKEN_PATH = join(folder, 'token');
    try {
      for (const [text, token] of [
        [' hf_file\n', 'hf_file'],
        ['\n', null],
      ] as const) {
        writeFileSync(process.env.HF_TOKEN_PATH, text);
        assert.equal(hubSettings({}).token, token);
      }
      process.env.HF_TOKEN = ' hf_own ';
      assert.equal(hubSettings({}).token, 'hf_own');
      assert.equal(hubSettings({ token: null }).token, null);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  for (const revision of ['', 'main ', 'a b', '/main', 'main/', 'a//b', 'a/../b', 'v1;rm', 'é']) {
    it(`refuses the revision ${JSON.stringify(revision)}`, () => {
      assert.throws(() => hubSettings({ revision }), {
        message: `Cannot use a hub as the revision must be a branch, a tag or a commit: current value is ${JSON.stringify(revision)}`,
      });
    });
  }

  it('takes branches with folders, and ends no address with a slash', () => {
    const { revision, endpoint } = hubSettings({
      revision: 'refs/pr/1',
      endpoint: 'https://hub.example//',
    });
    assert.deepEqual([revision, endpoint], ['refs/pr/1', 'https://hub.example']);
  });
});
