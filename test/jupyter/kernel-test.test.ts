import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, renameSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setupModule } from '../setup/setup-module';

const VERSION = '0.7.0';
const KERNELSPECS = resolve(__dirname, '../../kernel-extensions/share/jupyter');

/** jupyter-kernel-test beside JupyterLab in the cache; what it depends on is in JupyterLab's environment. */
function ensureKernelTest(python: string, cache: string): string {
  const folder = join(cache, `jupyter-kernel-test-${VERSION}`);
  if (existsSync(folder)) return folder;
  const fresh = `${folder}.${process.pid}`;
  const pip = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', fresh];
  execFileSync(python, [...pip, `jupyter-kernel-test==${VERSION}`]);
  renameSync(fresh, folder);
  return folder;
}

describe('jupyter-kernel-test', () => {
  it('passes all 11 tests but the pager, which the kernel does not have', async () => {
    const { cacheFolder } = await setupModule('cache-folder.mjs');
    const { jupyterFolder, venvPython } = await setupModule('jupyter.mjs');
    const python = venvPython(jupyterFolder(cacheFolder()));
    const folder = ensureKernelTest(python, cacheFolder());
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
