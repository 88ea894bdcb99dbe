import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { installCommand } from './install-command.mjs';
import { runCommand } from './run-command.mjs';
import { SetupProblem } from './setup-problem.mjs';

/** JupyterLab 4.6 needs this Python. */
export const oldestPython = [3, 10];

const probe =
  'import sys; print("%d.%d.%d" % sys.version_info[:3]); print(sys.executable); print(sys.prefix)';

function isOldEnough(version) {
  const [major, minor] = version.split('.').map(Number);
  return major > oldestPython[0] || (major === oldestPython[0] && minor >= oldestPython[1]);
}

/**
 * Finds a Python: FLOWBOOK_PYTHON, then python3 and python on the PATH (on Windows the `py` launcher too).
 *
 * @returns `{program, version}`; throws a `SetupProblem` when there is none, or only ones that are too old
 */
export async function findPython(environment = process.env) {
  const candidates = [
    environment.FLOWBOOK_PYTHON,
    'python3',
    'python',
    process.platform === 'win32' ? 'py' : null,
  ].filter(Boolean);
  const tooOld = [];
  for (const program of candidates) {
    const { code, stdout } = await runCommand(program, ['-c', probe], { env: environment });
    if (code !== 0) continue;
    const [version, executable] = stdout.trim().split(/\r?\n/);
    if (isOldEnough(version)) return { program: executable || program, version };
    tooOld.push(`${program} is ${version}`);
  }
  throw new SetupProblem(
    'Python',
    `Cannot set up JupyterLab and the native library as Python ${oldestPython.join('.')} or newer must be on the PATH: ${tooOld.join(', ') || 'there is none'}`,
    installCommand('python'),
  );
}

/** Path of the Python program in a virtual environment. */
export function venvPython(folder) {
  return process.platform === 'win32'
    ? join(folder, 'Scripts', 'python.exe')
    : join(folder, 'bin', 'python');
}

/** Whether the environment was made completely and its Python is still there. */
export function isVenvReady(folder) {
  return existsSync(join(folder, 'venv-is-complete')) && existsSync(venvPython(folder));
}

/**
 * Makes a virtual environment with pip in `folder`, unless it is there. An interrupted one is made anew.
 *
 * @returns path of its Python program
 */
export async function ensureVenv(folder, environment = process.env) {
  if (isVenvReady(folder)) return venvPython(folder);
  const { program, version } = await findPython(environment);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const { code, stdout, stderr } = await runCommand(program, ['-m', 'venv', folder], {
    env: environment,
  });
  if (code !== 0) {
    const said = `${stdout}\n${stderr}`;
    rmSync(folder, { recursive: true, force: true });
    if (/ensurepip|No module named '?venv/.test(said)) {
      throw new SetupProblem(
        'Python venv',
        `Cannot make a Python environment as Python ${version} must have its "venv" and "ensurepip" modules: they are missing`,
        installCommand('venv'),
      );
    }
    throw new SetupProblem(
      'Python environment',
      `Cannot make a Python environment in ${folder} as "python -m venv" must succeed: ${said.trim().split('\n').pop()}`,
      `"${program}" -m venv "${folder}"`,
    );
  }
  writeFileSync(join(folder, 'venv-is-complete'), `${version}\n`);
  return venvPython(folder);
}
