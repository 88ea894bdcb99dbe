import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { keepEnvironment } from '../setup/keep-environment';
import { setupModule } from '../setup/setup-module';
import type { temporaryFolder } from '../setup/temporary-folder';

/** A folder of wheels that is all pip knows of while the tests of a suite run, and JupyterLab's Python, which has a pip. */
export function ownPackageIndex(folder: ReturnType<typeof temporaryFolder>) {
  const found = { index: '', python: '' };
  before(async () => {
    const { cacheFolder, jupyterFolder, venvPython } = await setupModule('index.mjs');
    found.python = venvPython(jupyterFolder(cacheFolder()));
    found.index = join(folder.path, 'index');
    mkdirSync(found.index);
    process.env.PIP_NO_INDEX = '1';
    process.env.PIP_FIND_LINKS = found.index;
    process.env.PIP_CONFIG_FILE = '/dev/null';
  });
  after(keepEnvironment('PIP_NO_INDEX', 'PIP_FIND_LINKS', 'PIP_CONFIG_FILE'));
  return found;
}
