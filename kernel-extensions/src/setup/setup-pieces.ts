/** Set-up's own functions: plain modules that also run before anything is built. */
export const setupPieces = () => import('../../setup/index.mjs');

/** The cache folder, and the Python with JupyterLab in it; null where it was not set up. */
export async function installedJupyter(): Promise<{ cache: string; python: string } | null> {
  const { cacheFolder, isJupyterReady, jupyterFolder, venvPython } = await setupPieces();
  const cache = cacheFolder();
  return isJupyterReady(cache) ? { cache, python: venvPython(jupyterFolder(cache)) } : null;
}
