import { existsSync, readFileSync, statSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freeBytes } from '../disk-space.mjs';
import { installCommand } from '../install-command.mjs';
import { isJupyterReady, jupyterFolder } from '../jupyter.mjs';
import { packageFolder } from '../native/binding.mjs';
import { findPython, venvPython } from '../python.mjs';
import { runCommand } from '../run-command.mjs';

const packageRoot = fileURLToPath(new URL('../..', import.meta.url));

/** Python, wanted by set-up and Jupyter. */
export async function pythonCheck() {
  try {
    const { program, version } = await findPython();
    return { name: 'Python', state: 'ok', detail: `${version} at ${program}` };
  } catch (error) {
    return { name: 'Python', state: 'broken', detail: error.message, fix: error.command };
  }
}

/** JupyterLab in the cache folder. */
export async function jupyterCheck(cache) {
  const fix = 'npx flowbook setup';
  if (!isJupyterReady(cache)) {
    return { name: 'Jupyter', state: 'broken', detail: 'JupyterLab is not installed', fix };
  }
  const python = venvPython(jupyterFolder(cache));
  const { code, stdout, stderr } = await runCommand(python, [
    '-c',
    'import jupyter_server, importlib.metadata as m; print(m.version("jupyterlab"), m.version("jupyter_server"))',
  ]);
  if (code !== 0) {
    const detail = `JupyterLab does not load: ${stderr.trim().split('\n').pop()}`;
    return {
      name: 'Jupyter',
      state: 'broken',
      detail,
      fix: `rm -r "${jupyterFolder(cache)}" && ${fix}`,
    };
  }
  const [lab, server] = stdout.trim().split(' ');
  return {
    name: 'Jupyter',
    state: 'ok',
    detail: `JupyterLab ${lab}, server ${server}, at ${python}`,
  };
}

/** The kernelspec, and the file that it starts. */
export function kernelspecCheck() {
  const folder = join(packageRoot, 'share', 'jupyter', 'kernels', 'flowbook');
  const name = 'kernelspec';
  try {
    const { argv } = JSON.parse(readFileSync(join(folder, 'kernel.json'), 'utf8'));
    const entry = argv.find((part) => part.startsWith('{resource_dir}'));
    const started = resolve(folder, `.${entry.slice('{resource_dir}'.length)}`);
    if (!existsSync(started)) throw new Error(`${started} is missing`);
  } catch (error) {
    return { name, state: 'broken', detail: error.message, fix: 'npm ci --ignore-scripts' };
  }
  if (!existsSync(join(packageRoot, 'dist', 'kernel', 'main.js'))) {
    return { name, state: 'broken', detail: 'the kernel is not built', fix: 'npm run build' };
  }
  return { name, state: 'ok', detail: folder };
}

/** Room in the cache folder's file system. */
export function diskCheck(cache) {
  const free = freeBytes(cache);
  const detail = `${(free / 1e9).toFixed(1)} GB free for ${cache}`;
  if (free > 2e9) return { name: 'disk', state: 'ok', detail };
  return {
    name: 'disk',
    state: 'warning',
    detail,
    fix: 'make room, or name a folder on a larger disk: export FLOWBOOK_CACHE=/path/to/folder',
  };
}

/** The font that charts are drawn with. */
export function fontsCheck() {
  const fonts = packageFolder('dejavu-fonts-ttf', [dirname(packageRoot), packageRoot]);
  const font = fonts && join(fonts, 'ttf', 'DejaVuSans.ttf');
  if (font && existsSync(font) && statSync(font).size > 0) {
    return { name: 'fonts', state: 'ok', detail: font };
  }
  const detail = 'DejaVu Sans is missing: pictures of charts would have no text';
  return { name: 'fonts', state: 'broken', detail, fix: 'npm ci --ignore-scripts' };
}

/** A Chromium or Chrome, used by the tests that look at JupyterLab. */
export function browserCheck(environment = process.env) {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
  const folders = (environment.PATH ?? '').split(delimiter).filter(Boolean);
  const found = folders
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .find(existsSync);
  if (found) return { name: 'browser', state: 'ok', detail: found };
  const detail = 'no Chromium on the PATH (only the browser tests want one)';
  return { name: 'browser', state: 'ok', detail, fix: installCommand('browser') };
}
