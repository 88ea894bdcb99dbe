import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireDiskSpace } from './disk-space.mjs';
import { runPip } from './pip.mjs';
import { ensureVenv, isVenvReady, venvPython } from './python.mjs';

/** The Ray that Flowbook is tested with. A cluster and its driver must have the same one. */
export const rayVersion = '2.60.0';

/** How many packages Ray brings, for the progress line alone. */
const packageCount = 50;
const downloadMegabytes = 100;
const installedBytes = 450_000_000;

/** Folder of the virtual environment that all clones share. */
export function rayFolder(cache) {
  return join(cache, `ray-${rayVersion}`);
}

const stamp = (cache) => join(rayFolder(cache), 'ray-is-complete');

/** Whether Ray was installed completely. */
export function isRayReady(cache) {
  return isVenvReady(rayFolder(cache)) && existsSync(stamp(cache));
}

/** Python with Ray, once `ensureRay` has run. */
export const rayPython = (cache) => venvPython(rayFolder(cache));

/**
 * Installs the pinned Ray into a virtual environment in the cache folder, unless it is there.
 *
 * @returns the text of the finished progress line
 */
export async function ensureRay({ cache, report }) {
  const folder = rayFolder(cache);
  if (isRayReady(cache)) return `Ray ${readFileSync(stamp(cache), 'utf8').trim()} is there`;
  requireDiskSpace(cache, installedBytes, `install Ray ${rayVersion}`);
  const purpose = `Ray ${rayVersion}, about ${downloadMegabytes} MB`;
  report(`fetching ${purpose}`);
  const python = await ensureVenv(folder);
  let collected = 0;
  await runPip(python, ['install', '--progress-bar=off', `ray[default]==${rayVersion}`], {
    purpose: `install Ray ${rayVersion}`,
    onLine: (line) => {
      if (!line.startsWith('Collecting ')) return;
      collected += 1;
      report(`${purpose}: installing`, Math.min(collected / packageCount, 0.99));
    },
  });
  writeFileSync(stamp(cache), `${rayVersion}\n`);
  return `Ray ${rayVersion} installed into ${folder}`;
}
