// The door that the built commands use.
export { cacheFolder } from './cache-folder.mjs';
export { doctorCommand } from './doctor-command.mjs';
export { isJupyterReady, jupyterFolder } from './jupyter.mjs';
export { venvPython } from './python.mjs';
export { isRayReady, rayPython, rayVersion } from './ray.mjs';
export { setupCommand } from './setup-command.mjs';
