import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { downloadModel, type DownloadProgress } from '@flowbook/sdk';
import { isLong } from '../../../long-run';
import { HubServer, commitOf, sha256, type ServedModel } from './hub-server';
import { servedModel } from './served-model';
import { textOnStderr } from './text-on-stderr';

const MODEL = join(__dirname, '../../../golden/models/tiny-qwen-image');
const WEIGHTS = 'transformer/diffusion_pytorch_model.safetensors';
const quiet = (): void => {};

describe('downloadModel()', () => {
  const name = 'tiny/qwen-image';
  let server: HubServer;
  let cacheFolder: string;

  async function start(...models: ServedModel[]): Promise<void> {
    server = await HubServer.start(...models);
  }

  const download = (options: object = {}, model = name): Promise<string> =>
    downloadModel(model, {
      endpoint: server.endpoint,
      cacheFolder,
      token: null,
      onProgress: quiet,
      ...options,
    });

  beforeEach(() => {
    cacheFolder = mkdtempSync(join(tmpdir(), 'flowbook-hub-'));
  });

  afterEach(async () => {
    await server.stop();
    rmSync(cacheFolder, { recursive: true });
  });

  it('fetches the files of the components, into the layout that the ecosystem shares', async () => {
    const extra = new Uint8Array([1]);
    const model = servedModel(name, MODEL, {
      files: {
        'README.md': extra,
        'transformer/diffusion_pytorch_model.bin': extra,
        'transformer/diffusion_pytorch_model.fp16.safetensors': extra,
        'text_encoder/onnx/model.onnx': extra,
        'vae/flax_model.msgpack': extra,
        'other/config.json': extra,
      },
    });
    await start(model);
    const directory = await download();
    const commit = commitOf(model, 'main') as string;
    const folder = join(cacheFolder, 'models--tiny--qwen-image');
    assert.equal(directory, join(folder, 'snapshots', commit));
    assert.equal(readFileSync(join(folder, 'refs/main'), 'utf8'), commit);
    const wanted = servedModel(name, MODEL).files;
    for (const [path, content] of Object.entries(wanted)) {
      assert.ok(lstatSync(join(directory, path)).isSymbolicLink(), path);
      assert.deepEqual(new Uint8Array(readFileSync(join(directory, path))), content, path);
    }
    assert.deepEqual(readdirSync(join(directory, 'transformer')).sort(), [
      'config.json',
      'diffusion_pytorch_model.safetensors',
    ]);
    assert.ok(!existsSync(join(directory, 'other')) && !existsSync(join(directory, 'README.md')));
    assert.ok(existsSync(join(folder, 'blobs', sha256(wanted[WEIGHTS]))));
  });

  it('asks for no bytes that are here already, and for nothing at all when named by commit', async () => {
    const model = servedModel(name, MODEL);
    await start(model);
    const directory = await download();
    server.requests.length = 0;
    assert.equal(await download(), directory);
    assert.ok(server.requests.every(({ isStore, path }) => !isStore && path.startsWith('/api/')));
    server.requests.length = 0;
    assert.equal(await download({ revision: commitOf(model, 'main') }), directory);
    assert.deepEqual(server.requests, []);
  });

  it('goes on by Range when the connection breaks', async () => {
    const model = servedModel(name, MODEL);
    await start(model);
    server.cuts.set(sha256(model.files[WEIGHTS]), [1000, 500]);
    const directory = await download();
    assert.deepEqual(
      server.reads(WEIGHTS).map(({ range }) => range),
      [undefined, 'bytes=1000-', 'bytes=1500-'].map((range) =>
        range?.replace(/-$/, `-${model.files[WEIGHTS].length - 1}`),
      ),
    );
    assert.deepEqual(new Uint8Array(readFileSync(join(directory, WEIGHTS))), model.files[WEIGHTS]);
    assert.deepEqual(incomplete(), []);
  });

  if (isLong) {
    it('gives up after five attempts that bring nothing, and keeps what had arrived', async () => {
      const model = servedModel(name, MODEL);
      await start(model);
      const hash = sha256(model.files[WEIGHTS]);
      server.cuts.set(hash, [1000, 0, 0, 0, 0, 0]);
      await assert.rejects(download());
      assert.equal(server.reads(WEIGHTS).length, 5);
      assert.equal(statSync(join(blobs(), `${hash}.incomplete`)).size, 1000);
    });
  }

  it('stops by its signal, and goes on by Range the next time', async () => {
    const model = servedModel(name, MODEL);
    await start(model);
    server.delayMs = 60_000;
    const stop = new AbortController();
    const running = download({ signal: stop.signal });
    const half = Math.floor(model.files[WEIGHTS].length / 2);
    while (server.reads(WEIGHTS).length === 0) await pause(10);
    // The server sends a half at once.
    while (!incomplete().some((left) => statSync(join(blobs(), left)).size === half)) {
      await pause(10);
    }
    stop.abort(new Error('enough'));
    await assert.rejects(running, { message: 'enough' });
    server.delayMs = 0;
    server.requests.length = 0;
    await download();
    assert.deepEqual(
      server.reads(WEIGHTS).map(({ range }) => range),
      [`bytes=${half}-${model.files[WEIGHTS].length - 1}`],
    );
    assert.deepEqual(incomplete(), []);
  });

  it('refuses bytes of another hash, and keeps none of them', async () => {
    const model = servedModel(name, MODEL);
    await start(model);
    const hash = sha256(model.files[WEIGHTS]);
    const other = model.files[WEIGHTS].map((byte, index) => (index === 2000 ? byte ^ 1 : byte));
    server.replaced.set(hash, other);
    await assert.rejects(download(), {
      name: 'HubError',
      message: `Cannot download "${WEIGHTS}" as its hash must be ${hash}: current value is ${sha256(other)}`,
    });
    assert.ok(!existsSync(join(blobs(), hash)));
    server.replaced.clear();
    await download();
    assert.ok(existsSync(join(blobs(), hash)));
  });

  it('starts again when what an earlier download left is broken or too long', async () => {
    const model = servedModel(name, MODEL);
    await start(model);
    const content = model.files[WEIGHTS];
    for (const left of [new Uint8Array(1234), new Uint8Array(content.length + 1)]) {
      mkdirSync(blobs(), { recursive: true });
      writeFileSync(join(blobs(), `${sha256(content)}.incomplete`), left);
      const directory = await download();
      assert.deepEqual(new Uint8Array(readFileSync(join(directory, WEIGHTS))), content);
      assert.deepEqual(incomplete(), []);
      rmSync(cacheFolder, { recursive: true });
    }
    mkdirSync(cacheFolder);
  });

  it('lets two downloads of one model run at once', async () => {
    const model = servedModel(name, MODEL);
    await start(model);
    server.delayMs = 20;
    const [first, second] = await Promise.all([download(), download()]);
    assert.equal(first, second);
    assert.deepEqual(new Uint8Array(readFileSync(join(first, WEIGHTS))), model.files[WEIGHTS]);
    assert.deepEqual(incomplete(), []);
  });

  it('takes what the cache holds when offline, and says what it lacks', async () => {
    const model = servedModel(name, MODEL);
    await start(model);
    await assert.rejects(download({ offline: true }), {
      message: `Cannot load model "${name}" offline as ${cacheFolder} must hold all of it: current value is no revision "main"`,
    });
    const directory = await download();
    server.requests.length = 0;
    process.env.HF_HUB_OFFLINE = '1';
    try {
      assert.equal(await download(), directory);
      rmSync(join(directory, WEIGHTS));
      await assert.rejects(
        download(),
        /offline as .* must hold all of it: .*component "transformer" must have safetensors weights/,
      );
    } finally {
      delete process.env.HF_HUB_OFFLINE;
    }
    assert.deepEqual(server.requests, []);
  });

  it('finds branches, tags and commits, and names a revision that is not there', async () => {
    const model = servedModel(name, MODEL, {
      revisions: { 'v1.0': '1'.repeat(40), odd: '../../main' },
    });
    await start(model);
    const tagged = await download({ revision: 'v1.0' });
    assert.equal(tagged, join(cacheFolder, 'models--tiny--qwen-image/snapshots', '1'.repeat(40)));
    assert.equal(await download({ revision: 'v1.0', offline: true }), tagged);
    await assert.rejects(download({ revision: 'v2' }), {
      message: `Cannot find model "${name}" as revision "v2" must exist on ${server.endpoint}: current answer is 404 RevisionNotFound`,
    });
    await assert.rejects(download({ revision: 'odd' }), {
      message: `Cannot download model "${name}" as its commit must be 40 hexadecimal digits: current value is ../../main`,
    });
    await assert.rejects(download({ revision: '../../x' }), {
      message:
        'Cannot use a hub as the revision must be a branch, a tag or a commit: current value is "../../x"',
    });
  });

  it('sends a token to the hub alone, and shows it to nobody', async () => {
    const model = servedModel(name, MODEL, { token: 'hf_secret' });
    await start(model);
    await assert.rejects(download(), {
      message: `Cannot find model "${name}" as it must be a folder here or exist on ${server.endpoint}, where a private one needs a token (no token is in use: set HF_TOKEN): current answer is 401 RepoNotFound`,
    });
    await assert.rejects(download({ token: 'hf_other' }), (error: Error) => {
      assert.match(error.message, /\(the token in use\): current answer is 404 RepoNotFound$/);
      assert.doesNotMatch(`${error.stack}`, /hf_other/);
      return true;
    });
    server.requests.length = 0;
    await download({ token: 'hf_secret' });
    assert.ok(server.requests.some(({ isStore }) => isStore));
    for (const { isStore, authorization } of server.requests) {
      assert.equal(authorization, isStore ? undefined : 'Bearer hf_secret');
    }
  });

  it('says where access to a gated model is asked for', async () => {
    await start(servedModel(name, MODEL, { isGated: true }));
    await assert.rejects(download({ token: 'hf_mine' }), {
      message: `Cannot download model "${name}" as its owner must have granted access (the token in use): ask for it at ${server.endpoint}/${name}: current answer is 403 GatedRepo`,
    });
  });

  it('refuses file names that lead out of the model', async () => {
    for (const path of [
      '../../../evil.json',
      '/etc/evil.json',
      'vae/..\\evil.json',
      'C:/evil.json',
    ]) {
      await start(servedModel(name, MODEL, { files: { [path]: new Uint8Array([1]) } }));
      await assert.rejects(download(), {
        message: `Cannot download model "${name}" as its files must lie inside of it: current value is ${JSON.stringify(path)}`,
      });
      assert.deepEqual(readdirSync(cacheFolder), []);
      await server.stop();
    }
    for (const component of ['../vae', 'vae/../..', 'vae ']) {
      const index = { _class_name: 'QwenImagePipeline', [component]: ['diffusers', 'X'] };
      const files = { 'model_index.json': Buffer.from(JSON.stringify(index)) };
      await start(servedModel(name, MODEL, { files }));
      await assert.rejects(download(), ({ message }: Error) =>
        message.endsWith(
          `components must be plain folders: current value is ${JSON.stringify(component)}`,
        ),
      );
      await server.stop();
    }
  });

  it('takes weights of a variant where a component has them, and the plain ones elsewhere', async () => {
    const { files } = servedModel(name, MODEL);
    const variant = 'transformer/diffusion_pytorch_model.fp16.safetensors';
    await start(servedModel(name, MODEL, { files: { [variant]: files[WEIGHTS].slice() } }));
    const directory = await download({ variant: 'fp16' });
    const weights = (part: string) =>
      readdirSync(join(directory, part)).filter((file) => file.endsWith('.safetensors'));
    assert.deepEqual(weights('transformer'), ['diffusion_pytorch_model.fp16.safetensors']);
    assert.deepEqual(weights('vae'), ['diffusion_pytorch_model.safetensors']);
    await assert.rejects(download({ variant: 'bf16' }), /must have weights of variant "bf16"/);
  });

  it('takes the shards that an index names', async () => {
    const sharded = servedModel(name, `${MODEL}-sharded`).files;
    const parts = Object.entries(servedModel(name, MODEL).files).filter(
      ([path]) => !path.startsWith('transformer/'),
    );
    await start({ name, files: { ...Object.fromEntries(parts), ...sharded } });
    const directory = await download();
    assert.deepEqual(
      readdirSync(join(directory, 'transformer')).sort(),
      readdirSync(join(`${MODEL}-sharded`, 'transformer')).sort(),
    );
  });

  it('names what a model lacks to be loaded', async () => {
    const { files } = servedModel(name, MODEL);
    const without = (path: string, more: Record<string, Uint8Array> = {}): ServedModel => ({
      name,
      files: {
        ...Object.fromEntries(Object.entries(files).filter(([key]) => key !== path)),
        ...more,
      },
    });
    await start(without('model_index.json'));
    await assert.rejects(download(), /must be in diffusers' layout, with model_index\.json/);
    await server.stop();
    const other = 'transformer/diffusion_pytorch_model.bin';
    await start(without(WEIGHTS, { [other]: new Uint8Array(8) }));
    await assert.rejects(
      download(),
      /component "transformer" must have safetensors weights or need none: current value is diffusion_pytorch_model\.bin$/,
    );
  });

  it('finds hub, cache and token where the ecosystem has them', async () => {
    const model = servedModel(name, MODEL, { token: 'hf_env' });
    await start(model);
    const set = async (variables: Record<string, string>, where: string): Promise<void> => {
      const names = ['HF_HOME', 'HF_HUB_CACHE', 'XDG_CACHE_HOME', 'HF_TOKEN', 'HF_TOKEN_PATH'];
      const before = { ...process.env };
      names.forEach((key) => delete process.env[key]);
      Object.assign(process.env, { HF_ENDPOINT: `${server.endpoint}/`, ...variables });
      try {
        const directory = await downloadModel(name, { onProgress: quiet });
        assert.equal(
          directory,
          join(where, 'models--tiny--qwen-image/snapshots', commitOf(model, 'main') as string),
        );
      } finally {
        for (const key of [...names, 'HF_ENDPOINT']) delete process.env[key];
        Object.assign(process.env, before);
      }
    };
    const at = (...parts: string[]) => join(cacheFolder, ...parts);
    mkdirSync(at('home'));
    writeFileSync(at('home', 'token'), 'hf_env\n');
    const HF_TOKEN = 'hf_env';
    await set({ HF_HOME: at('home') }, at('home', 'hub'));
    await set({ HF_HUB_CACHE: at('cache'), HF_HOME: at('home') }, at('cache'));
    await set({ XDG_CACHE_HOME: at('xdg'), HF_TOKEN }, at('xdg', 'huggingface', 'hub'));
    await set(
      { HF_HOME: '$FLOWBOOK_PLACE/h', FLOWBOOK_PLACE: cacheFolder, HF_TOKEN },
      at('h', 'hub'),
    );
  });

  it('reports bytes up to the whole, at most twice a second and once at the end', async () => {
    await start(servedModel(name, MODEL));
    const reports: DownloadProgress[] = [];
    await download({ onProgress: (progress: DownloadProgress) => reports.push(progress) });
    const last = reports.at(-1) as DownloadProgress;
    assert.deepEqual([last.model, last.doneBytes], [name, last.totalBytes]);
    assert.ok(reports.length <= 1 + 2 * last.seconds);
    const text = await textOnStderr(() =>
      downloadModel(name, {
        endpoint: server.endpoint,
        cacheFolder: join(cacheFolder, 'b'),
        token: null,
      }),
    );
    assert.match(text, /^tiny\/qwen-image: [\d.]+ [kM]B of [\d.]+ [kM]B \(100 %\) in \d+ s\n$/);
  });

  it('says where it could not connect', async () => {
    await start();
    const { endpoint } = server;
    await server.stop();
    await assert.rejects(
      downloadModel(name, { endpoint, cacheFolder, token: null }),
      (error: Error) => {
        assert.ok(error.message.startsWith(`Cannot reach ${endpoint} for model "${name}": `));
        assert.match(error.message, /ECONNREFUSED.*; HF_HUB_OFFLINE=1 uses what the cache holds$/);
        return true;
      },
    );
  });

  function blobs(): string {
    return join(cacheFolder, 'models--tiny--qwen-image/blobs');
  }

  function incomplete(): string[] {
    return readdirSync(blobs()).filter((file) => file.endsWith('.incomplete'));
  }
});
