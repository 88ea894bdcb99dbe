import { cacheFolder } from '../kernel-extensions/setup/cache-folder.mjs';
import { withLock } from '../kernel-extensions/setup/lock.mjs';
import { setupStages } from '../kernel-extensions/setup/setup-stages.mjs';
import { build } from './build.mjs';
import { cloneName, ensurePackages } from './packages.mjs';

/** All stages from a fresh clone to a product that runs. `options` are those of `setupStages`. */
export function allStages(options = {}) {
  return [
    {
      name: 'npm packages',
      essential: true,
      run: (report) =>
        withLock(
          cacheFolder(),
          `${cloneName}-packages`,
          () => ensurePackages(report),
          (pid) => report(`waiting for another set-up (process ${pid})`),
        ),
    },
    ...setupStages(options),
    { name: 'build', run: build },
  ];
}
