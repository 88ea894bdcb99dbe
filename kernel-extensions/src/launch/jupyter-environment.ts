import { mkdirSync } from 'node:fs';
import * as path from 'node:path';

/** Folder that `JUPYTER_PATH` names: it holds the kernelspec. Seen from `src/launch` and `dist/launch` alike. */
export const sharedJupyterFolder = path.join(__dirname, '..', '..', 'share', 'jupyter');

/** Folder of JupyterLab's extensions that the build makes: it is below `dist`, which `src/launch` has beside it. */
export const labExtensionsFolder = path.join(__dirname, '..', '..', 'dist', 'labextensions');

/** Folders of our own that stand in for the user's Jupyter folders. */
export interface JupyterFolders {
  config: string;
  data: string;
  /** Connection files and server files: readable by this user alone. */
  runtime: string;
}

/** Makes the folders below the cache folder, where they are missing. */
export function jupyterFolders(cache: string): JupyterFolders {
  const folder = (name: string): string => {
    const made = path.join(cache, 'jupyter', name);
    mkdirSync(made, { recursive: true, mode: 0o700 });
    return made;
  };
  return { config: folder('config'), data: folder('data'), runtime: folder('runtime') };
}

/**
 * The environment in which Jupyter finds our kernelspec and writes nothing into the user's folders.
 *
 * Kernels inherit it: they run on this very Node, and TensorFlow's notices stay off their stderr.
 */
export function jupyterEnvironment(
  folders: JupyterFolders,
  environment: NodeJS.ProcessEnv = process.env,
): NodeJS.ProcessEnv {
  const before = (first: string, rest: string | undefined): string =>
    rest ? `${first}${path.delimiter}${rest}` : first;
  return {
    ...environment,
    PATH: before(path.dirname(process.execPath), environment.PATH),
    JUPYTER_PATH: before(sharedJupyterFolder, environment.JUPYTER_PATH),
    JUPYTER_CONFIG_DIR: folders.config,
    JUPYTER_DATA_DIR: folders.data,
    JUPYTER_RUNTIME_DIR: folders.runtime,
    IPYTHONDIR: path.join(folders.data, 'ipython'),
    TF_CPP_MIN_LOG_LEVEL: environment.TF_CPP_MIN_LOG_LEVEL ?? '3',
  };
}
