import { fileURLToPath } from 'node:url';
import { lockedEnvironment } from '../kernel-extensions/setup/locked-environment.mjs';

const environment = lockedEnvironment({
  name: 'reference-python',
  title: 'PyTorch (with diffusers, for the tests)',
  lock: fileURLToPath(new URL('locks/reference.txt', import.meta.url)),
  download: 'about 350 MB',
  installedBytes: 1_800_000_000,
  whereMissing: {
    'torch==2.13.0+cpu':
      "PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu npm test   to look among PyTorch's own builds for CPUs, too",
  },
});

/** Python with PyTorch and diffusers, once `ensureReference` has run. */
export const referencePython = environment.python;

/**
 * Installs the peers that the tests compare with, PyTorch and diffusers, unless they are there.
 *
 * @returns the text of the finished progress line
 */
export const ensureReference = environment.ensure;
