import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { flowbookCommand, setupModule } from './setup-module';
import { temporaryFolder } from './temporary-folder';

interface Problem extends Error {
  piece: string;
  command: string;
  text: string;
}

describe('missing pieces', () => {
  const folder = temporaryFolder();

  /** A PATH with nothing but one program, a shell script. */
  function pathWith(name: string, script: string): NodeJS.ProcessEnv {
    const bin = join(folder.path, `bin-${Math.random().toString(36).slice(2)}`);
    mkdirSync(bin);
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(bin, name), 0o755);
    return { PATH: bin };
  }

  it('findCompiler() without a compiler names it and the command that helps', async () => {
    const { findCompiler } = await setupModule('native/binding.mjs');
    const { installCommand } = await setupModule('install-command.mjs');
    await assert.rejects(findCompiler({ PATH: folder.path }), (problem: Problem) => {
      assert.equal(problem.piece, 'C++ compiler');
      assert.equal(
        problem.text,
        `Cannot build the native binding as a C++ compiler must be on the PATH: g++, clang++ and c++ are missing\n  Run: ${installCommand('compiler')}`,
      );
      return true;
    });
  });

  it('findCompiler() takes clang++ where g++ is missing', async () => {
    const { findCompiler } = await setupModule('native/binding.mjs');
    const { program } = await findCompiler(pathWith('clang++', 'echo clang version 19'));
    assert.equal(program, 'clang++');
  });

  it('findPython() without Python names it and the command that helps', async () => {
    const { findPython } = await setupModule('python.mjs');
    await assert.rejects(findPython({ PATH: folder.path }), (problem: Problem) => {
      assert.equal(problem.piece, 'Python');
      assert.match(problem.message, /Python 3\.10 or newer must be on the PATH: there is none$/);
      assert.match(problem.command, /python/);
      return true;
    });
  });

  it('findPython() refuses a Python that is too old and names it', async () => {
    const { findPython } = await setupModule('python.mjs');
    const old = pathWith('python3', 'printf "3.8.1\\n/usr/bin/python3\\n/usr\\n"');
    await assert.rejects(findPython(old), /must be on the PATH: python3 is 3\.8\.1$/);
  });

  it('ensureVenv() names the venv package where Python lacks ensurepip', async () => {
    const { ensureVenv } = await setupModule('python.mjs');
    const script = `case "$1" in
      -c) printf "3.11.2\\npython3\\n/usr\\n";;
      *) echo "The virtual environment was not created successfully because ensurepip is not available."; exit 1;;
    esac`;
    await assert.rejects(
      ensureVenv(join(folder.path, 'venv'), pathWith('python3', script)),
      (problem: Problem) => {
        assert.equal(problem.piece, 'Python venv');
        assert.match(problem.message, /its "venv" and "ensurepip" modules: they are missing$/);
        return true;
      },
    );
  });

  it('flowbook setup without Python names it once and says what that means', async () => {
    const { installCommand } = await setupModule('install-command.mjs');
    const { status, stderr } = spawnSync(process.execPath, [flowbookCommand, 'setup'], {
      encoding: 'utf8',
      env: { PATH: folder.path, FLOWBOOK_CACHE: join(folder.path, 'cache') },
    });
    assert.equal(status, 1);
    const [, said] = stderr.split('\n\n');
    assert.equal(
      said,
      `Cannot set up JupyterLab and the native library as Python 3.10 or newer must be on the PATH: there is none\n  Run: ${installCommand('python')}`,
    );
    assert.equal(stderr.match(/Run: /g)!.length, 1);
    assert.match(
      stderr,
      /^FLOWBOOK RUNS WITHOUT NATIVE TENSORFLOW 2\.21\.0, on the JavaScript backend/m,
    );
  });

  it('requireDiskSpace() says how much must be free, and where', async () => {
    const { requireDiskSpace } = await setupModule('disk-space.mjs');
    requireDiskSpace(folder.path, 1e9, 'fetch it', 1e9);
    assert.throws(
      () => requireDiskSpace(folder.path, 1.25e9, 'fetch it', 0.3e9),
      (problem: Problem) => {
        assert.equal(problem.piece, 'disk space');
        assert.equal(
          problem.message,
          `Cannot fetch it as 1.3 GB must be free in ${folder.path}: 0.3 GB are free`,
        );
        return true;
      },
    );
  });
});
