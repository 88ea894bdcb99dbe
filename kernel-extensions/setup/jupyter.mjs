import { cpSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lockedEnvironment } from './locked-environment.mjs';

/** The JupyterLab that Flowbook is tested with. */
export const jupyterlabVersion = '4.6.6';

const environment = lockedEnvironment({
  name: `jupyterlab-${jupyterlabVersion}`,
  title: `JupyterLab ${jupyterlabVersion}`,
  lock: fileURLToPath(new URL('locks/jupyterlab.txt', import.meta.url)),
  download: 'about 50 MB',
  installedBytes: 300_000_000,
});

/** Folder of the virtual environment that all clones share. */
export const jupyterFolder = environment.folder;

/** Whether JupyterLab was installed completely. */
export const isJupyterReady = environment.isReady;

/** JupyterLab's Python, its own pip included; makes the environment when it is not there. */
export const ensurePython = environment.ensurePython;

/** What papermill needs to set a TypeScript notebook's parameters. */
const papermillTranslator = fileURLToPath(new URL('../share/papermill', import.meta.url));

function sitePackages(folder) {
  if (process.platform === 'win32') return join(folder, 'Lib', 'site-packages');
  const python = readdirSync(join(folder, 'lib')).find((name) => name.startsWith('python3'));
  return join(folder, 'lib', python, 'site-packages');
}

/**
 * Installs the pinned JupyterLab into a virtual environment in the cache folder, unless it is there, with papermill and
 * its translator of parameters.
 *
 * @returns the text of the finished progress line
 */
export async function ensureJupyter({ cache, report }) {
  const done = await environment.ensure({ cache, report });
  // Files of our own, which another version of Flowbook may have put there.
  cpSync(papermillTranslator, sitePackages(jupyterFolder(cache)), { recursive: true });
  return done;
}
