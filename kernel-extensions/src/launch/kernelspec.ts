import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import * as path from 'node:path';
import { sharedJupyterFolder } from './jupyter-environment';

/** Which Jupyter a kernelspec goes to. */
export type Place = { kind: 'user' } | { kind: 'sys-prefix' } | { kind: 'prefix'; folder: string };

const ownSpec = path.join(sharedJupyterFolder, 'kernels', 'flowbook');

function userDataFolder(): string {
  const { JUPYTER_DATA_DIR, APPDATA, XDG_DATA_HOME, HOME } = process.env;
  if (JUPYTER_DATA_DIR) return JUPYTER_DATA_DIR;
  const home = HOME || homedir();
  if (process.platform === 'darwin') return path.join(home, 'Library', 'Jupyter');
  if (process.platform === 'win32') return path.join(APPDATA ?? home, 'jupyter');
  return path.join(XDG_DATA_HOME || path.join(home, '.local', 'share'), 'jupyter');
}

function activePythonPrefix(): string {
  for (const program of ['python3', 'python']) {
    try {
      return execFileSync(program, ['-c', 'import sys; print(sys.prefix)'], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim();
    } catch {
      // The next name may be there.
    }
  }
  throw new Error(
    'Cannot find the active Python environment as python3 or python must be on the PATH: there is neither',
  );
}

/** Folder of the kernel "flowbook" in a Jupyter. */
export function kernelspecFolder(place: Place): string {
  const data = {
    user: userDataFolder,
    'sys-prefix': () => path.join(activePythonPrefix(), 'share', 'jupyter'),
    prefix: () => path.join((place as { folder: string }).folder, 'share', 'jupyter'),
  }[place.kind]();
  return path.resolve(data, 'kernels', 'flowbook');
}

/**
 * Writes the kernelspec. It names this Node and this package by their full paths, and so works from any folder.
 */
export function installKernelspec(folder: string): void {
  const spec = JSON.parse(readFileSync(path.join(ownSpec, 'kernel.json'), 'utf8'));
  const [, ...rest] = spec.argv as string[];
  spec.argv = [
    process.execPath,
    ...rest.map((part) =>
      part.startsWith('{resource_dir}')
        ? path.join(ownSpec, part.slice('{resource_dir}'.length))
        : part,
    ),
  ];
  mkdirSync(folder, { recursive: true });
  cpSync(ownSpec, folder, { recursive: true });
  writeFileSync(path.join(folder, 'kernel.json'), `${JSON.stringify(spec, null, 2)}\n`);
}

/** Removes the kernelspec; returns whether there was one. */
export function uninstallKernelspec(folder: string): boolean {
  const was = existsSync(path.join(folder, 'kernel.json'));
  if (was) rmSync(folder, { recursive: true });
  return was;
}
