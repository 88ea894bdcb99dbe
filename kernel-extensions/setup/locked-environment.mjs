import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireDiskSpace } from './disk-space.mjs';
import { runPip } from './pip.mjs';
import { ensureVenv, isVenvReady, venvPython } from './python.mjs';

function installedPackages(folder) {
  try {
    const names = readdirSync(join(folder, 'lib'), { recursive: true });
    return names.filter((name) => name.endsWith('.dist-info')).length;
  } catch {
    return 0;
  }
}

/**
 * A Python environment in the cache folder, shared by all clones, that holds what a lock file lists.
 *
 * Its folder is named after the lock's contents: another lock gets another folder, in which nothing is left of what an
 * earlier one listed.
 *
 * @param options `name`: begins the folder's name; `title`: as in "JupyterLab 4.6.6", for progress and messages; `lock`:
 *   path of the lock, which `npm run locks` makes; `download`: as in "about 100 MB"; `installedBytes`: the room it needs;
 *   `whereMissing` as in `runPip`
 */
export function lockedEnvironment({ name, title, lock, download, installedBytes, whereMissing }) {
  const text = readFileSync(lock, 'utf8');
  const version = createHash('sha256').update(text).digest('hex').slice(0, 12);
  /** Some are for other platforms; the number serves the progress line alone. */
  const packageCount = text.match(/^[a-z][^=]*==/gm).length;
  const folder = (cache) => join(cache, `${name}-${version}`);
  const stamp = (cache) => join(folder(cache), 'all-packages-are-there');
  const isReady = (cache) => isVenvReady(folder(cache)) && existsSync(stamp(cache));
  const ensurePython = (cache) => ensureVenv(folder(cache));

  async function install(cache, report) {
    const purpose = `install ${title}`;
    requireDiskSpace(cache, installedBytes, purpose);
    report('making a Python environment');
    const python = await ensurePython(cache);
    let collected = 0;
    const timer = setInterval(() => {
      const fraction = (collected + installedPackages(folder(cache))) / (2 * packageCount);
      report(`${title}, ${download}: installing`, Math.min(fraction, 0.99));
    }, 1000);
    try {
      await runPip(python, 'install', {
        requirements: lock,
        // Modules are compiled when they are first imported: most never are.
        parameters: ['--no-compile', '--progress-bar=off'],
        purpose,
        whereMissing,
        onLine: (line) => {
          if (/^(Collecting|Processing) /.test(line)) collected += 1;
        },
      });
    } finally {
      clearInterval(timer);
    }
    writeFileSync(stamp(cache), '');
  }

  return {
    /** Its folder. */
    folder,
    /** Whether all of it was installed. */
    isReady,
    /** Path of its Python, once `ensure` has run. */
    python: (cache) => venvPython(folder(cache)),
    /** Its Python with pip alone; makes the environment when it is not there. */
    ensurePython,
    /** Installs what the lock lists, unless it is there. Returns the text of the finished progress line. */
    async ensure({ cache, report }) {
      if (isReady(cache)) return `${title} is there`;
      await install(cache, report);
      return `${title} installed into ${folder(cache)}`;
    },
  };
}
