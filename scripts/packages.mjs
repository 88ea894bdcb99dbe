import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../kernel-extensions/setup/run-command.mjs';
import { SetupProblem } from '../kernel-extensions/setup/setup-problem.mjs';

/** Folder of the clone. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/** A name for this clone, for locks in the cache folder that clones share. */
export const cloneName = `clone-${createHash('sha256').update(root).digest('hex').slice(0, 12)}`;

function readPackages(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages ?? {};
}

/**
 * Whether node_modules holds what package-lock.json asks for. npm writes its own list of what it installed at the very
 * end, so an interrupted `npm ci` is seen.
 */
export function arePackagesInstalled(folder = root) {
  const installedList = join(folder, 'node_modules', '.package-lock.json');
  if (!existsSync(installedList)) return false;
  const installed = readPackages(installedList);
  return Object.entries(readPackages(join(folder, 'package-lock.json'))).every(([path, wanted]) => {
    if (!path.includes('node_modules/') || wanted.optional || wanted.devOptional || wanted.peer) {
      return true;
    }
    const found = installed[path];
    return found?.version === wanted.version && found?.integrity === wanted.integrity;
  });
}

function countInstalled(folder) {
  const modules = join(folder, 'node_modules');
  if (!existsSync(modules)) return 0;
  return readdirSync(modules)
    .filter((name) => !name.startsWith('.'))
    .reduce(
      (sum, name) => sum + (name.startsWith('@') ? readdirSync(join(modules, name)).length : 1),
      0,
    );
}

/** Installs npm's packages as package-lock.json says, unless they are there. */
export async function ensurePackages(report, folder = root) {
  if (arePackagesInstalled(folder)) return 'are there';
  const total = Object.keys(readPackages(join(folder, 'package-lock.json'))).filter(
    (path) => path.split('node_modules/').length === 2,
  ).length;
  const timer = setInterval(() => {
    report('npm ci:', Math.min(countInstalled(folder) / total, 0.99));
  }, 500);
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const parameters = ['ci', '--ignore-scripts', '--no-audit', '--no-fund'];
  try {
    const { code, stdout, stderr } = await runCommand(npm, parameters, {
      cwd: folder,
      shell: process.platform === 'win32',
    });
    if (code === 0) return 'installed';
    const said = `${stdout}\n${stderr}`;
    const last = said.split('\n').find((line) => /npm (ERR!|error)/.test(line)) ?? said.trim();
    const isFull = /ENOSPC/.test(said);
    throw new SetupProblem(
      isFull ? 'disk space' : 'npm packages',
      `Cannot install the npm packages as "npm ci" must succeed: ${last}`,
      isFull
        ? 'df -h   and make room'
        : `npm ci --ignore-scripts   in ${folder}, with the network there`,
    );
  } finally {
    clearInterval(timer);
  }
}
