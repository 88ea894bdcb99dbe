import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { requireDiskSpace } from '../disk-space.mjs';
import { runPip } from '../pip.mjs';
import { tensorflowVersion } from '../platforms.mjs';
import { SetupProblem } from '../setup-problem.mjs';
import { sha256, unpackWheel } from '../wheel.mjs';

/** Where a platform's native library lies in the cache folder. */
export function libraryFolder(cache, platform) {
  return join(cache, `tensorflow-${tensorflowVersion}-${platform.name}`);
}

/** Whether all of the library was unpacked. */
export function isLibraryReady(cache, platform) {
  const folder = libraryFolder(cache, platform);
  return (platform.libraries ?? []).every((name) => existsSync(join(folder, name)));
}

function bytesBelow(folder) {
  if (!existsSync(folder)) return 0;
  let bytes = 0;
  for (const name of readdirSync(folder, { recursive: true })) {
    try {
      const entry = statSync(join(folder, name));
      if (entry.isFile()) bytes += entry.size;
    } catch {
      // pip removes its temporary files while we count.
    }
  }
  return bytes;
}

/** Downloads the wheel with pip, pinned by its hash, unless a complete one is there. Returns the file's path. */
async function download(cache, platform, python, report) {
  const { project, tag, sha256: expected, bytes } = platform.wheel;
  const downloads = join(cache, 'downloads');
  const wheel = join(downloads, `${project}-${tensorflowVersion}-${platform.name}.whl`);
  if (existsSync(wheel)) {
    report('checking the hash');
    if ((await sha256(wheel)) === expected) return wheel;
    rmSync(wheel);
  }
  // A download that was cut off left its pieces here; pip starts it anew.
  const partial = join(downloads, 'partial');
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(join(partial, 'tmp'), { recursive: true });
  const requirements = join(partial, 'requirements.txt');
  writeFileSync(requirements, `${project}==${tensorflowVersion} --hash=sha256:${expected}\n`);
  report('downloading', 0);
  const timer = setInterval(() => report('downloading', bytesBelow(partial) / bytes), 500);
  try {
    await runPip(python, 'download', {
      requirements,
      parameters: [
        '--no-deps',
        '--no-cache-dir',
        '--implementation=cp',
        '--python-version=311',
        '--abi=cp311',
        `--platform=${tag}`,
        `--dest=${join(partial, 'wheel')}`,
      ],
      purpose: `download TensorFlow ${tensorflowVersion}`,
      environment: { ...process.env, TMPDIR: join(partial, 'tmp'), TEMP: join(partial, 'tmp') },
    });
  } finally {
    clearInterval(timer);
  }
  const [name] = readdirSync(join(partial, 'wheel'));
  const got = join(partial, 'wheel', name);
  report('checking the hash');
  const actual = await sha256(got);
  if (actual !== expected) {
    throw new SetupProblem(
      'matching hash',
      `Cannot use ${name} as its SHA-256 must be ${expected}: current value is ${actual}`,
      'python -m pip config list   and look which package index is set: it serves a changed file',
    );
  }
  renameSync(got, wheel);
  rmSync(partial, { recursive: true, force: true });
  return wheel;
}

/** Path inside the library's folder for a file of the wheel, or null for what is not needed. */
function targetOf(platform, name) {
  const library = platform.libraries.find((file) => name === `tensorflow/${file}`);
  if (library) return library;
  if (platform.headers.some((prefix) => name.startsWith(prefix))) {
    return name.slice('tensorflow/'.length);
  }
  return null;
}

/**
 * Puts the native library and its headers into the cache folder, unless they are there.
 *
 * The wheel is checked by its hash and unpacked under another name, which becomes the real one at the end;
 * after an interruption the wheel is still there and only the unpacking starts anew.
 *
 * @param pythonFor gives the Python whose pip downloads, called only when a download is needed
 * @returns the text of the finished progress line
 */
export async function ensureLibrary({ cache, platform, pythonFor, report }) {
  const size = `${Math.round(platform.wheel.bytes / 1e6)} MB`;
  if (isLibraryReady(cache, platform)) return `TensorFlow ${tensorflowVersion} is there`;
  const folder = libraryFolder(cache, platform);
  requireDiskSpace(
    cache,
    platform.unpackedBytes + platform.wheel.bytes + 100e6,
    `fetch TensorFlow ${tensorflowVersion}`,
  );
  const step = (text, fraction) =>
    report(`TensorFlow ${tensorflowVersion}, ${size}: ${text}`, fraction);
  const wheel = await download(cache, platform, await pythonFor(), step);
  const partial = `${folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  try {
    await unpackWheel(
      wheel,
      partial,
      (name) => targetOf(platform, name),
      (fraction) => step('unpacking', fraction),
    );
  } catch (error) {
    rmSync(partial, { recursive: true, force: true });
    if (error.code !== 'ENOSPC') throw error;
    throw new SetupProblem(
      'disk space',
      `Cannot unpack TensorFlow ${tensorflowVersion} as the disk of ${cache} is full`,
      `df -h "${cache}"   and make room, or name a folder on a larger disk: export FLOWBOOK_CACHE=/path/to/folder`,
    );
  }
  rmSync(folder, { recursive: true, force: true });
  renameSync(partial, folder);
  rmSync(wheel);
  return `TensorFlow ${tensorflowVersion} fetched into ${folder}`;
}
