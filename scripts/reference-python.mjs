import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireDiskSpace } from '../kernel-extensions/setup/disk-space.mjs';
import { runPip } from '../kernel-extensions/setup/pip.mjs';
import { ensureVenv, isVenvReady, venvPython } from '../kernel-extensions/setup/python.mjs';

/** The peers that the tests compare with, CPU builds: torch 2.13.0 by exactly this name has no CUDA libraries. */
const requirements = [
  'torch==2.13.0',
  'numpy==2.4.6',
  'scipy==1.17.1',
  'diffusers==0.42.1',
  'transformers==5.23.0',
  'tokenizers==0.23.3',
  'accelerate==1.15.0',
  'peft==0.21.2',
  'safetensors==0.8.0',
  'sentencepiece==0.2.3',
  'protobuf==7.36.2',
  'pillow==13.0.0',
];
const downloadMegabytes = 350;
const installedBytes = 1_800_000_000;
const packageCount = 45;

/** Folder of the virtual environment that all clones share. */
export function referenceFolder(cache) {
  return join(cache, 'reference-python-1');
}

const stamp = (cache) => join(referenceFolder(cache), 'reference-is-complete');

/** Python with PyTorch and diffusers, once `ensureReference` has run. */
export const referencePython = (cache) => venvPython(referenceFolder(cache));

/** Whether everything was installed completely, in the versions of this list. */
export function isReferenceReady(cache) {
  return (
    isVenvReady(referenceFolder(cache)) &&
    existsSync(stamp(cache)) &&
    readFileSync(stamp(cache), 'utf8') === requirements.join('\n')
  );
}

/**
 * Installs PyTorch and diffusers into a virtual environment in the cache folder, unless they are there.
 *
 * @returns the text of the finished progress line
 */
export async function ensureReference({ cache, report }) {
  if (isReferenceReady(cache)) return 'PyTorch and diffusers are there';
  const folder = referenceFolder(cache);
  requireDiskSpace(cache, installedBytes, 'install PyTorch and diffusers for the tests');
  report(`fetching PyTorch and diffusers, about ${downloadMegabytes} MB`);
  const python = await ensureVenv(folder);
  let collected = 0;
  await runPip(python, ['install', '--no-compile', '--progress-bar=off', ...requirements], {
    purpose: 'install PyTorch and diffusers for the tests',
    onLine: (line) => {
      if (!line.startsWith('Collecting ')) return;
      collected += 1;
      report(
        `PyTorch and diffusers, about ${downloadMegabytes} MB: installing`,
        Math.min(collected / packageCount, 0.99),
      );
    },
  });
  writeFileSync(stamp(cache), requirements.join('\n'));
  return `PyTorch and diffusers installed into ${folder}`;
}
