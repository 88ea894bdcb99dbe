import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setupModule } from '../setup/setup-module';
import { temporaryFolder } from '../setup/temporary-folder';
import { zipFile } from '../setup/zip-file';
import { ownPackageIndex } from './own-package-index';

const library = Buffer.from('the library');
const project = 'flowbook_probe';

/** A wheel as small as pip accepts, laid out as TensorFlow's. */
const wheel = zipFile([
  { name: 'tensorflow/libtensorflow_cc.so.2', data: library },
  { name: 'tensorflow/libtensorflow_framework.so.2', data: library },
  { name: 'tensorflow/include/tensorflow/c/c_api.h', data: Buffer.from('// header') },
  { name: 'tensorflow/python/not_needed.py', data: Buffer.from('pass') },
  {
    name: `${project}-2.21.0.dist-info/METADATA`,
    data: Buffer.from(`Metadata-Version: 2.1\nName: ${project}\nVersion: 2.21.0\n`),
  },
  {
    name: `${project}-2.21.0.dist-info/WHEEL`,
    data: Buffer.from('Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: cp311-cp311-any\n'),
  },
  { name: `${project}-2.21.0.dist-info/RECORD`, data: Buffer.alloc(0) },
]);
const tag = 'manylinux_2_27_x86_64';

interface Problem extends Error {
  piece: string;
}

describe('ensureLibrary', () => {
  const folder = temporaryFolder();
  const pip = ownPackageIndex(folder);
  const wheelFile = () => join(pip.index, `${project}-2.21.0-cp311-cp311-${tag}.whl`);

  before(() => writeFileSync(wheelFile(), wheel));

  function platform(sha256 = createHash('sha256').update(wheel).digest('hex')) {
    return {
      name: 'linux-probe',
      wheel: { project, tag, sha256, bytes: wheel.length },
      libraries: ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'],
      headers: ['tensorflow/include/tensorflow/c/'],
      unpackedBytes: 100,
    };
  }

  async function ensure(cache: string, options: { sha256?: string; mayDownload?: boolean } = {}) {
    const { ensureLibrary } = await setupModule('native/library.mjs');
    return ensureLibrary({
      cache,
      platform: platform(options.sha256),
      pythonFor: () => {
        assert.notEqual(options.mayDownload, false, 'downloads again');
        return pip.python;
      },
      report: () => {},
    });
  }

  const unpacked = (cache: string) => join(cache, 'tensorflow-2.21.0-linux-probe');

  it('ensureLibrary() fetches, checks and unpacks the wheel, and removes it', async () => {
    const cache = join(folder.path, 'whole');
    assert.match(await ensure(cache), /^TensorFlow 2\.21\.0 fetched into /);
    assert.deepEqual(readFileSync(join(unpacked(cache), 'libtensorflow_cc.so.2')), library);
    assert.ok(existsSync(join(unpacked(cache), 'include/tensorflow/c/c_api.h')));
    assert.deepEqual(readdirSync(unpacked(cache)).sort(), [
      'include',
      'libtensorflow_cc.so.2',
      'libtensorflow_framework.so.2',
    ]);
    assert.deepEqual(readdirSync(join(cache, 'downloads')), []);
    assert.equal(await ensure(cache, { mayDownload: false }), 'TensorFlow 2.21.0 is there');
  });

  it('ensureLibrary() goes on after an interrupted unpacking without a new download', async () => {
    const cache = join(folder.path, 'interrupted');
    mkdirSync(join(cache, 'downloads'), { recursive: true });
    writeFileSync(join(cache, 'downloads', `${project}-2.21.0-linux-probe.whl`), wheel);
    mkdirSync(`${unpacked(cache)}.partial/include`, { recursive: true });
    writeFileSync(join(`${unpacked(cache)}.partial`, 'libtensorflow_cc.so.2'), 'the lib');
    writeFileSync(join(`${unpacked(cache)}.partial`, 'include', 'old.h'), '');
    const { ensureLibrary } = await setupModule('native/library.mjs');
    const report = () => {};
    await ensureLibrary({ cache, platform: platform(), pythonFor: () => 'no-python', report });
    assert.deepEqual(readFileSync(join(unpacked(cache), 'libtensorflow_cc.so.2')), library);
    assert.equal(existsSync(join(unpacked(cache), 'include', 'old.h')), false);
    assert.equal(existsSync(`${unpacked(cache)}.partial`), false);
  });

  it('ensureLibrary() downloads again what an interruption left damaged', async () => {
    const cache = join(folder.path, 'damaged');
    mkdirSync(join(cache, 'downloads', 'partial', 'tmp'), { recursive: true });
    writeFileSync(join(cache, 'downloads', 'partial', 'tmp', 'piece'), 'half a wheel');
    const damaged = join(cache, 'downloads', `${project}-2.21.0-linux-probe.whl`);
    writeFileSync(damaged, wheel.subarray(0, 100));
    await ensure(cache);
    assert.deepEqual(readFileSync(join(unpacked(cache), 'libtensorflow_cc.so.2')), library);
    assert.deepEqual(readdirSync(join(cache, 'downloads')), []);
  });

  it('ensureLibrary() refuses a wheel with another hash and unpacks nothing', async () => {
    const cache = join(folder.path, 'changed');
    await assert.rejects(ensure(cache, { sha256: 'ab'.repeat(32) }), (problem: Problem) => {
      assert.equal(problem.piece, 'matching hash');
      assert.equal(
        problem.message,
        `Cannot download TensorFlow 2.21.0 as the SHA-256 of flowbook_probe==2.21.0 must be one that Flowbook lists: current value is ${createHash('sha256').update(wheel).digest('hex')}`,
      );
      return true;
    });
    assert.equal(existsSync(unpacked(cache)), false);
  });

  it('ensureLibrary() names the wheel where the index has none', async () => {
    const cache = join(folder.path, 'absent');
    rmSync(wheelFile());
    await assert.rejects(ensure(cache), (problem: Problem) => {
      assert.equal(problem.piece, 'package');
      assert.equal(
        problem.message,
        'Cannot download TensorFlow 2.21.0 as the Python package index must have a wheel of flowbook_probe==2.21.0 for this Python and machine: it has none',
      );
      return true;
    });
  });
});
