import { cacheFolder } from '../kernel-extensions/setup/cache-folder.mjs';
import { withLock } from '../kernel-extensions/setup/lock.mjs';
import { setupStages } from '../kernel-extensions/setup/setup-stages.mjs';
import { build } from './build.mjs';
import { ensureChromium } from './chromium.mjs';
import { cloneName, ensurePackages } from './packages.mjs';
import { ensureReference } from './reference-python.mjs';

const locked = (name, work) => (report) =>
  withLock(
    cacheFolder(),
    name,
    () => work(report),
    (pid) => report(`waiting for another set-up (process ${pid})`),
  );

/** What the tests compare with and look through. */
const peerStages = [
  {
    name: 'reference Python',
    run: locked('reference-python', (report) => ensureReference({ cache: cacheFolder(), report })),
  },
  { name: 'browser', run: locked('browser', ensureChromium) },
];

/**
 * All stages from a fresh clone to a product that runs.
 *
 * @param options those of `setupStages`; `peers: true` adds PyTorch, diffusers and a browser, which the tests need
 */
export function allStages({ peers = false, ...options } = {}) {
  return [
    {
      name: 'npm packages',
      essential: true,
      run: locked(`${cloneName}-packages`, (report) => ensurePackages(report)),
    },
    ...setupStages(options),
    ...(peers ? peerStages : []),
    { name: 'build', run: build },
  ];
}
