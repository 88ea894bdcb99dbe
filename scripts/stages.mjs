import { cacheFolder } from '../kernel-extensions/setup/cache-folder.mjs';
import { withLock } from '../kernel-extensions/setup/lock.mjs';
import { setupStages } from '../kernel-extensions/setup/setup-stages.mjs';
import { build } from './build.mjs';
import { cloneName, ensurePackages } from './packages.mjs';
import { ensureReference } from './reference-python.mjs';

const referenceStage = {
  name: 'reference Python',
  run: (report) =>
    withLock(
      cacheFolder(),
      'reference-python',
      () => ensureReference({ cache: cacheFolder(), report }),
      (pid) => report(`waiting for another set-up (process ${pid})`),
    ),
};

/**
 * All stages from a fresh clone to a product that runs.
 *
 * @param options those of `setupStages`; `reference: true` adds PyTorch and diffusers, which the tests compare with
 */
export function allStages({ reference = false, ...options } = {}) {
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
    ...(reference ? [referenceStage] : []),
    { name: 'build', run: build },
  ];
}
