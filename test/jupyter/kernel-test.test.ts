import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, renameSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { repository, setupModule } from '../setup/setup-module';

const VERSION = '0.7.0';
const KERNELSPECS = resolve(__dirname, '../../kernel-extensions/share/jupyter');

/** jupyter-kernel-test beside JupyterLab in the cache; what it depends on is in JupyterLab's environment. */
async function ensureKernelTest(python: string, cache: string): Promise<string> {
  const folder = join(cache, `jupyter-kernel-test-${VERSION}-by-hash`);
  if (existsSync(folder)) return folder;
  const fresh = `${folder}.${process.pid}`;
  const { runPip } = await setupModule('pip.mjs');
  await runPip(python, 'install', {
    requirements: join(repository, 'scripts/locks/jupyter-kernel-test.txt'),
    parameters: ['--quiet', '--no-deps', '--target', fresh],
    purpose: `install jupyter-kernel-test ${VERSION}`,
  });
  renameSync(fresh, folder);
  return folder;
}

describe('jupyter-kernel-test', () => {
  it('passes all 11 tests but the pager, which the kernel does not have', async () => {
    const { cacheFolder } = await setupModule('cache-folder.mjs');
    const { jupyterFolder, venvPython } = await setupModule('index.mjs');
    const python = venvPython(jupyterFolder(cacheFolder()));
    const folder = await ensureKernelTest(python, cacheFolder());
    const report = await new Promise<string>((settle) => {
      const env = {
        ...process.env,
        JUPYTER_PATH: KERNELSPECS,
        PYTHONPATH: folder,
        PYTHONDONTWRITEBYTECODE: '1',
      };
      execFile(
        python,
        ['-m', 'unittest', 'flowbook_kernel_test'],
        { cwd: __dirname, env },
        (_error, stdout, stderr) => settle(stdout + stderr),
      );
    });
    assert.match(report, /Ran 12 tests[^]*\nOK \(skipped=1\)\s*$/, report);
  }).timeout(180_000);
});
