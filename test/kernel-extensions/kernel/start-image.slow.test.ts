import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import ts from 'typescript';
import { KernelClient } from '../../../kernel-extensions/src/kernel/client';
import {
  preparedSource,
  type PreparedFile,
} from '../../../kernel-extensions/src/kernel/engine/prepared-files';
import { EngineStarter } from '../../../kernel-extensions/src/kernel/server/engine-starter';
import { keepEnvironment } from '../../setup/keep-environment';
import { setupModule } from '../../setup/setup-module';
import { printed, resultText } from './running-kernel';

const ENGINE_ARGUMENTS =
  "require('node:fs').readFileSync('/proc/self/cmdline', 'utf8').split('\\0').join(' ')";
const WORLD = `JSON.stringify([
  Reflect.ownKeys(globalThis).map(String).sort(),
  process.execArgv, __filename, typeof fetch, await new Response('a').text(),
  require('node:vm').runInNewContext('1 + 1'), (await import('node:path')).posix.sep,
  performance.now() < 60000 && Math.abs(performance.timeOrigin + performance.now() - Date.now()) < 1000,
])`;

/** A file in an image's place that Node does not start from. */
async function spoiltImage(cache: string): Promise<string> {
  const { startImageFile } = await setupModule('start-image/start-image.mjs');
  const file: string = startImageFile(cache);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, 'no image');
  return file;
}

describe('a start image', () => {
  const folder = mkdtempSync(join(tmpdir(), 'flowbook-image-'));
  before(async () => {
    const { ensureStartImage } = await setupModule('start-image/start-image.mjs');
    await ensureStartImage();
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('starts the engine, whose world is that of an engine without one', async () => {
    const worlds: (string | null)[] = [];
    for (const setting of ['', 'off']) {
      const kernel = await KernelClient.start({ env: { FLOWBOOK_START_IMAGE: setting } });
      try {
        const { error } = await kernel.execute('const text: string = Math.floor(1.5);');
        assert.match(error?.evalue ?? '', /'number' is not assignable to type 'string'/);
        worlds.push(resultText(await kernel.execute(WORLD)));
        const { data } = await kernel.inspect('Math.floor', 10);
        assert.match(String(data['text/markdown'] ?? data['text/plain']), /greatest integer/);
        const started = resultText(await kernel.execute(ENGINE_ARGUMENTS)) ?? '';
        assert.equal(started.includes('--snapshot-blob'), setting !== 'off', started);
      } finally {
        kernel.kill();
      }
    }
    assert.equal(worlds[0], worlds[1]);
  }).timeout(120_000);

  it('is switched by words that it has: the kernel refuses another', async () => {
    await assert.rejects(KernelClient.start({ env: { FLOWBOOK_START_IMAGE: 'of' } }), {
      message: /Cannot heed FLOWBOOK_START_IMAGE as it must be "off": current value is "of"/,
    });
  });

  it('that does not start is refused, and the kernel runs without it', async () => {
    const { findStartImage, isStartImageWanted } = await setupModule('start-image/start-image.mjs');
    assert.equal(findStartImage(folder), null);
    assert.equal(isStartImageWanted(folder), true);
    const file = await spoiltImage(folder);
    const kernel = await KernelClient.start({ env: { FLOWBOOK_CACHE: folder } });
    try {
      const result = await kernel.execute('1 + 1');
      assert.equal(resultText(result), '2');
      assert.equal(printed(result, 'stderr'), '');
    } finally {
      kernel.kill();
    }
    assert.equal(existsSync(file), false);
    assert.equal(isStartImageWanted(folder), false);
  }).timeout(120_000);

  it('that ended before anybody listened is refused as well', async () => {
    const cache = join(folder, 'early');
    const file = await spoiltImage(cache);
    const restore = keepEnvironment('FLOWBOOK_CACHE');
    process.env.FLOWBOOK_CACHE = cache;
    try {
      const starter = await EngineStarter.create();
      const begun = starter['first']!;
      await once(begun.child, 'close');
      const { child, fromImage } = starter.start();
      child.kill('SIGKILL');
      assert.deepEqual([begun.fromImage, fromImage], [true, false]);
      assert.notEqual(child, begun.child);
      assert.equal(existsSync(file), true, 'nothing has started without it yet');
      starter.started();
      assert.equal(existsSync(file), false);
    } finally {
      restore();
    }
  }).timeout(60_000);

  it('stays where the engine was killed while it started from it', async () => {
    const cache = join(folder, 'killed');
    const file = await spoiltImage(cache);
    const { isStartImageWanted } = await setupModule('start-image/start-image.mjs');
    const restore = keepEnvironment('FLOWBOOK_CACHE');
    process.env.FLOWBOOK_CACHE = cache;
    try {
      for (const [code, signal, stays] of [
        [null, 'SIGKILL', true],
        [null, 'SIGTERM', true],
        [null, 'SIGINT', true],
        [-11, null, true],
        [1, null, false],
      ] as const) {
        const starter = await EngineStarter.create();
        starter['first']?.child.kill('SIGKILL');
        starter.leaveImage(code, signal);
        starter.started();
        assert.equal(existsSync(file), stays, `${code} ${signal}`);
      }
      assert.equal(isStartImageWanted(cache), false);
    } finally {
      restore();
    }
  }).timeout(60_000);

  it('mayBeTheImage() is false of what was stopped, could not start, or lacked memory or room', async () => {
    const { mayBeTheImage } = await setupModule('start-image/start-image.mjs');
    const ends = [
      { code: 1, stderr: 'Fatal: snapshot of another Node' },
      { code: 128, signal: 'SIGSEGV' },
      { code: 128, signal: 'SIGKILL' },
      { code: null, stderr: 'spawn ENOMEM' },
      { code: 128, signal: 'SIGABRT', stderr: 'FATAL ERROR: JavaScript heap out of memory' },
      { code: 1, stderr: 'ENOSPC: no space left on device, write' },
    ];
    assert.deepEqual(ends.map(mayBeTheImage), [true, true, false, false, false, false]);
  });

  it('ensureStartImage() makes it once, and removes those of installations that are gone', async () => {
    const { ensureStartImage, findStartImage } = await setupModule('start-image/start-image.mjs');
    const cache = join(folder, 'cache');
    const gone = join(cache, 'start-images', 'gone.blob');
    mkdirSync(dirname(gone), { recursive: true });
    writeFileSync(gone, '');
    writeFileSync(gone.replace('.blob', '.of'), join(folder, 'no/compiler.js'));
    assert.match(await ensureStartImage({ cache }), /^made \(\d+ MB\)$/);
    assert.equal(await ensureStartImage({ cache }), 'is in place');
    assert.ok(findStartImage(cache));
    const names = readdirSync(dirname(gone)).map((name) => name.replace(/^\w+\./, ''));
    assert.deepEqual(names.sort(), ['blob', 'of']);
  }).timeout(120_000);

  it('preparedSource() gives a file that has not changed, to who reads it the same way', () => {
    const path = join(folder, 'a.d.ts');
    writeFileSync(path, 'declare const a: 1;');
    const { size, mtimeMs } = statSync(path);
    const how = { languageVersion: ts.ScriptTarget.ES2022 };
    const source = ts.createSourceFile(path, 'declare const a: 1;', how);
    const as = () => new Map<string, PreparedFile>([[path, { source, size, mtimeMs, ...how }]]);
    const files = as();
    assert.equal(preparedSource(files, path, { languageVersion: ts.ScriptTarget.ES5 }), undefined);
    const asModule = { ...how, impliedNodeFormat: ts.ModuleKind.ESNext } as const;
    assert.equal(preparedSource(files, path, asModule), undefined);
    assert.equal(preparedSource(files, path, how), source);
    writeFileSync(path, 'declare const a: 22;');
    assert.equal(preparedSource(as(), path, how), undefined);
    assert.equal(preparedSource(files, path, how), source); // looked at once, as other packages' files are
    assert.equal(preparedSource(files, join(folder, 'b.d.ts'), how), undefined);
  });
});
