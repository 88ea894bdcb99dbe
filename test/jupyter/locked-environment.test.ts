import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { keepEnvironment } from '../setup/keep-environment';
import { setupModule } from '../setup/setup-module';
import { temporaryFolder } from '../setup/temporary-folder';
import { zipFile } from '../setup/zip-file';
import { ownPackageIndex } from './own-package-index';

const sha256 = (data: Buffer) => createHash('sha256').update(data).digest('hex');

/** A wheel with one module, `name.py`. */
function wheelOf(name: string, { code = 'answer = 42\n', needs = '' } = {}) {
  const information = `${name}-1.0.dist-info`;
  const metadata = `Metadata-Version: 2.1\nName: ${name}\nVersion: 1.0\n${needs && `Requires-Dist: ${needs}\n`}`;
  return zipFile([
    { name: `${name}.py`, data: Buffer.from(code) },
    { name: `${information}/METADATA`, data: Buffer.from(metadata) },
    {
      name: `${information}/WHEEL`,
      data: Buffer.from('Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n'),
    },
    { name: `${information}/RECORD`, data: Buffer.alloc(0) },
  ]);
}

interface Problem extends Error {
  piece: string;
}

describe('what pip installs by hash', function () {
  this.timeout(300_000);
  const folder = temporaryFolder();
  const pip = ownPackageIndex(folder);

  const publish = (name: string, wheel: Buffer) =>
    writeFileSync(join(pip.index, `${name}-1.0-py3-none-any.whl`), wheel);

  const lineOf = (name: string, wheel: Buffer) => `${name}==1.0 --hash=sha256:${sha256(wheel)}`;

  function lockOf(name: string, lines: string[]): string {
    const lock = join(folder.path, `${name}.txt`);
    writeFileSync(lock, `${lines.join('\n')}\n`);
    return lock;
  }

  /** Installs a lock's packages into a folder of their own. */
  async function install(name: string, lines: string[]): Promise<void> {
    const { runPip } = await setupModule('pip.mjs');
    await runPip(pip.python, 'install', {
      requirements: lockOf(name, lines),
      parameters: ['--target', join(folder.path, name)],
      purpose: `install ${name}`,
    });
  }

  async function isRefused(name: string, lines: string[], piece: string, message: string) {
    await assert.rejects(install(name, lines), (problem: Problem) => {
      assert.equal(problem.piece, piece);
      assert.equal(problem.message, message);
      return true;
    });
    assert.equal(existsSync(join(folder.path, name)), false);
  }

  it('lockedEnvironment() installs what its lock lists, once, and anew where the lock changes', async () => {
    const { lockedEnvironment } = await setupModule('locked-environment.mjs');
    const cache = join(folder.path, 'cache');
    const environmentOf = (lines: string[]) => {
      const lock = lockOf('probes', lines);
      const title = 'the probes';
      return lockedEnvironment({
        name: 'probes',
        title,
        lock,
        download: 'little',
        installedBytes: 1,
      });
    };
    const [one, two] = [wheelOf('probe_one', { needs: 'probe-two' }), wheelOf('probe_two')];
    publish('probe_one', one);
    publish('probe_two', two);
    const both = environmentOf([lineOf('probe-one', one), lineOf('probe-two', two)]);
    assert.equal(both.isReady(cache), false);
    const report = () => {};
    assert.equal(
      await both.ensure({ cache, report }),
      `the probes installed into ${both.folder(cache)}`,
    );
    assert.ok(both.isReady(cache));
    assert.equal(await both.ensure({ cache, report }), 'the probes is there');
    const said = execFileSync(both.python(cache), [
      '-c',
      'import probe_one, probe_two; print(probe_two.answer)',
    ]);
    assert.equal(String(said).trim(), '42');

    const fewer = environmentOf([lineOf('probe-two', two)]);
    assert.notEqual(fewer.folder(cache), both.folder(cache));
    assert.equal(fewer.isReady(cache), false);
  });

  it('runPip() refuses a file that was changed on the index, and names it with what it is', async () => {
    const wheel = wheelOf('probe_changed');
    const changed = wheelOf('probe_changed', { code: 'answer = 43\n' });
    publish('probe_changed', changed);
    await isRefused(
      'changed',
      [lineOf('probe-changed', wheel)],
      'matching hash',
      `Cannot install changed as the SHA-256 of probe-changed==1.0 must be one that Flowbook lists: current value is ${sha256(changed)}`,
    );
  });

  it('runPip() refuses what a package depends on and the lock does not list', async () => {
    const wheel = wheelOf('probe_needs', { needs: 'probe-unlisted' });
    publish('probe_needs', wheel);
    publish('probe_unlisted', wheelOf('probe_unlisted'));
    await isRefused(
      'needs',
      [lineOf('probe-needs', wheel)],
      'listed package',
      "Cannot install needs as what it depends on must be in Flowbook's list of packages and hashes: probe-unlisted is not",
    );
  });

  it('runPip() builds nothing from source, though its hash be listed', async () => {
    // A build would write this file.
    const mark = join(folder.path, 'was-built');
    const archive = zipFile([
      {
        name: 'probe_source-1.0/setup.py',
        data: Buffer.from(`open(${JSON.stringify(mark)}, 'w').close()\n`),
      },
      {
        name: 'probe_source-1.0/PKG-INFO',
        data: Buffer.from('Metadata-Version: 2.1\nName: probe_source\nVersion: 1.0\n'),
      },
    ]);
    writeFileSync(join(pip.index, 'probe_source-1.0.zip'), archive);
    await isRefused(
      'source',
      [lineOf('probe-source', archive)],
      'package',
      'Cannot install source as the Python package index must have a wheel of probe-source==1.0 for this Python and machine: it has none',
    );
    assert.equal(existsSync(mark), false);
  });

  it('runPip() names the network where the index does not answer', async () => {
    const restore = keepEnvironment('PIP_NO_INDEX', 'PIP_INDEX_URL', 'PIP_RETRIES');
    delete process.env.PIP_NO_INDEX;
    // Nobody listens at port 9 of this machine.
    process.env.PIP_INDEX_URL = 'http://127.0.0.1:9/simple';
    process.env.PIP_RETRIES = '1';
    try {
      await assert.rejects(
        install('offline', [lineOf('probe-absent', Buffer.from('no wheel'))]),
        (problem: Problem) => {
          assert.equal(problem.piece, 'network');
          assert.match(
            problem.message,
            /^Cannot install offline as the Python package index must be reachable: ERROR: /,
          );
          return true;
        },
      );
    } finally {
      restore();
    }
  });
});
