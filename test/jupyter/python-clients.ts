import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { repository, setupModule } from '../setup/setup-module';

/** How a program ended, and what it printed. */
export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/**
 * Runs a Python module of JupyterLab's environment, such as papermill, in an environment where it finds Flowbook's kernel
 * and writes nothing into the user's folders.
 *
 * @param own a folder for what runs and Jupyter leave
 */
export async function runPythonClient(
  module: string,
  parameters: readonly string[],
  own: string,
): Promise<Ended> {
  const { cacheFolder, jupyterFolder, venvPython } = await setupModule('index.mjs');
  const python: string = venvPython(jupyterFolder(cacheFolder()));
  const folder = (name: string) => join(own, name);
  const env = {
    ...process.env,
    JUPYTER_PATH: join(repository, 'kernel-extensions/share/jupyter'),
    JUPYTER_CONFIG_DIR: folder('config'),
    JUPYTER_DATA_DIR: folder('data'),
    IPYTHONDIR: folder('ipython'),
    FLOWBOOK_HISTORY: 'off',
    FLOWBOOK_RUN_DIR: own,
  };
  return new Promise((settle) => {
    execFile(
      python,
      ['-m', module, ...parameters],
      { cwd: own, env, maxBuffer: 1e9 },
      (error, stdout, stderr) => {
        const code = typeof error?.code === 'number' ? error.code : error ? -1 : 0;
        settle({ code, stdout, stderr });
      },
    );
  });
}
