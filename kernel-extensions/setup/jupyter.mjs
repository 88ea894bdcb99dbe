import { cpSync, existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { requireDiskSpace } from './disk-space.mjs';
import { runPip } from './pip.mjs';
import { ensureVenv, isVenvReady, venvPython } from './python.mjs';

/** The JupyterLab that Flowbook is tested with. */
export const jupyterlabVersion = '4.6.6';
const requirements = [
  `jupyterlab==${jupyterlabVersion}`,
  // The front end of Jupyter's widgets: static files alone, the Python side of it is not needed.
  'jupyterlab_widgets==3.0.17',
  'papermill==2.7.0',
];

/** How many packages JupyterLab and papermill bring, for the progress line alone. */
const packageCount = 95;
const installedBytes = 300_000_000;

/** Folder of the virtual environment that all clones share. */
export function jupyterFolder(cache) {
  return join(cache, `jupyterlab-${jupyterlabVersion}`);
}

const stamp = (cache) => join(jupyterFolder(cache), 'jupyterlab-with-papermill-is-complete');

/** Whether JupyterLab was installed completely. */
export function isJupyterReady(cache) {
  const folder = jupyterFolder(cache);
  return isVenvReady(folder) && existsSync(stamp(cache));
}

/** JupyterLab's Python, its own pip included; makes the environment when it is not there. */
export function ensurePython(cache) {
  return ensureVenv(jupyterFolder(cache));
}

/** What papermill needs to set a TypeScript notebook's parameters. */
const papermillTranslator = fileURLToPath(new URL('../share/papermill', import.meta.url));

function sitePackages(folder) {
  if (process.platform === 'win32') return join(folder, 'Lib', 'site-packages');
  const python = readdirSync(join(folder, 'lib')).find((name) => name.startsWith('python3'));
  return join(folder, 'lib', python, 'site-packages');
}

function installedPackages(folder) {
  try {
    const names = readdirSync(join(folder, 'lib'), { recursive: true });
    return names.filter((name) => name.endsWith('.dist-info')).length;
  } catch {
    return 0;
  }
}

/**
 * Installs the pinned JupyterLab into a virtual environment in the cache folder, unless it is there, with papermill and
 * its translator of parameters.
 *
 * @returns the text of the finished progress line
 */
export async function ensureJupyter({ cache, report }) {
  const folder = jupyterFolder(cache);
  const isReady = isJupyterReady(cache);
  if (!isReady) await installJupyter({ cache, report });
  // Files of our own, which another version of Flowbook may have put there.
  cpSync(papermillTranslator, sitePackages(folder), { recursive: true });
  const version = readFileSync(stamp(cache), 'utf8').trim();
  return `JupyterLab ${version} ${isReady ? 'is there' : `installed into ${folder}`}`;
}

async function installJupyter({ cache, report }) {
  const folder = jupyterFolder(cache);
  requireDiskSpace(cache, installedBytes, `install JupyterLab ${jupyterlabVersion}`);
  report('making a Python environment');
  const python = await ensurePython(cache);
  let collected = 0;
  const timer = setInterval(() => {
    const fraction = (collected + installedPackages(folder)) / (2 * packageCount);
    report(`JupyterLab ${jupyterlabVersion}: installing`, Math.min(fraction, 0.99));
  }, 1000);
  try {
    await runPip(
      python,
      // Modules are compiled when they are first imported: most never are.
      ['install', '--no-compile', '--progress-bar=off', ...requirements],
      {
        purpose: `install JupyterLab ${jupyterlabVersion}`,
        onLine: (line) => {
          if (line.startsWith('Collecting ')) collected += 1;
        },
      },
    );
  } finally {
    clearInterval(timer);
  }
  writeFileSync(stamp(cache), `${jupyterlabVersion}\n`);
}

export { venvPython };
