import { cacheFolder } from '../kernel-extensions/setup/cache-folder.mjs';
import { withLock } from '../kernel-extensions/setup/lock.mjs';
import { nodeStage } from '../kernel-extensions/setup/node-version.mjs';
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

/** What the tests and the benchmark compare with. */
const peerStage = {
  name: 'reference Python',
  run: locked('reference-python', (report) => ensureReference({ cache: cacheFolder(), report })),
};

/** What the tests look through. */
const browserStage = { name: 'browser', run: locked('browser', ensureChromium) };

/**
 * All stages from a fresh clone to a product that runs.
 *
 * @param options those of `setupStages`; `peers: true` adds PyTorch, diffusers, Ray and a browser, which the tests need;
 *   `browser: false` leaves the browser out
 */
export function allStages({ peers = false, browser = peers, ray = browser, ...options } = {}) {
  return [
    nodeStage,
    {
      name: 'npm packages',
      essential: true,
      run: locked(`${cloneName}-packages`, (report) => ensurePackages(report)),
    },
    ...setupStages({ ray, ...options }),
    ...(peers ? [peerStage] : []),
    ...(browser ? [browserStage] : []),
    { name: 'build', run: build },
  ];
}
