import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireDiskSpace } from './disk-space.mjs';
import { runPip } from './pip.mjs';
import { ensureVenv, isVenvReady, venvPython } from './python.mjs';

/** The JupyterLab that Flowbook is tested with. */
export const jupyterlabVersion = '4.6.6';
/** The front end of Jupyter's widgets: static files alone, the Python side of it is not needed. */
const requirements = [`jupyterlab==${jupyterlabVersion}`, 'jupyterlab_widgets==3.0.17'];

/** How many packages JupyterLab brings, for the progress line alone. */
const packageCount = 90;
const installedBytes = 300_000_000;

/** Folder of the virtual environment that all clones share. */
export function jupyterFolder(cache) {
  return join(cache, `jupyterlab-${jupyterlabVersion}`);
}

const stamp = (cache) => join(jupyterFolder(cache), 'jupyterlab-with-widgets-is-complete');

/** Whether JupyterLab was installed completely. */
export function isJupyterReady(cache) {
  const folder = jupyterFolder(cache);
  return isVenvReady(folder) && existsSync(stamp(cache));
}

/** JupyterLab's Python, its own pip included; makes the environment when it is not there. */
export function ensurePython(cache) {
  return ensureVenv(jupyterFolder(cache));
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
 * Installs the pinned JupyterLab into a virtual environment in the cache folder, unless it is there.
 *
 * @returns the text of the finished progress line
 */
export async function ensureJupyter({ cache, report }) {
  const folder = jupyterFolder(cache);
  if (isJupyterReady(cache))
    return `JupyterLab ${readFileSync(stamp(cache), 'utf8').trim()} is there`;
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
  return `JupyterLab ${jupyterlabVersion} installed into ${folder}`;
}

export { venvPython };
