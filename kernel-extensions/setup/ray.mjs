import { fileURLToPath } from 'node:url';
import { lockedEnvironment } from './locked-environment.mjs';

/** The Ray that Flowbook is tested with. A cluster and its driver must have the same one. */
export const rayVersion = '2.60.0';

const environment = lockedEnvironment({
  name: `ray-${rayVersion}`,
  title: `Ray ${rayVersion}`,
  lock: fileURLToPath(new URL('locks/ray.txt', import.meta.url)),
  download: 'about 100 MB',
  installedBytes: 450_000_000,
});

/** Whether Ray was installed completely. */
export const isRayReady = environment.isReady;

/** Python with Ray, once `ensureRay` has run. */
export const rayPython = environment.python;

/** Installs the pinned Ray, unless it is there. Returns the text of the finished progress line. */
export const ensureRay = environment.ensure;
