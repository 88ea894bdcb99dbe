// npm run build: compiles both packages to CommonJS with declarations, and writes their ESM doors.
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { cacheFolder } from '../kernel-extensions/setup/cache-folder.mjs';
import { withLock } from '../kernel-extensions/setup/lock.mjs';
import { runCommand } from '../kernel-extensions/setup/run-command.mjs';
import { runStages } from '../kernel-extensions/setup/stages.mjs';
import { writeEsmDoor } from './esm-door.mjs';
import { cloneName, root } from './packages.mjs';

/** Packages in the order in which they depend on each other. */
const packages = ['sdk', 'kernel-extensions'];
const stampName = '.built-from';

export class BuildError extends Error {}

/** A hash of everything that a package's build depends on. */
function sourcesHash(name, hashBefore) {
  const folder = join(root, name);
  const hash = createHash('sha256').update(hashBefore);
  const sources = readdirSync(join(folder, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort();
  const extension = join(folder, 'labextension', 'src');
  const settings = [
    ...(existsSync(extension) ? readdirSync(extension).map((file) => join(extension, file)) : []),
    join(root, 'tsconfig.base.json'),
    join(root, 'package-lock.json'),
    join(root, 'scripts', 'esm-door.mjs'),
    join(folder, 'tsconfig.json'),
    join(folder, 'package.json'),
  ];
  for (const file of [...sources, ...settings]) {
    hash.update(file.slice(root.length)).update(readFileSync(file));
  }
  return hash.digest('hex');
}

function readStamp(name) {
  const file = join(root, name, 'dist', stampName);
  return existsSync(file) ? readFileSync(file, 'utf8') : null;
}

/** Compiles beside the old build and then swaps, so that nobody sees half a build. Returns the compiler's complaints. */
async function compile(name) {
  const folder = join(root, name);
  const fresh = join(folder, 'dist.fresh');
  rmSync(fresh, { recursive: true, force: true });
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const { code, stdout, stderr } = await runCommand(
    process.execPath,
    [compiler, '-p', folder, '--outDir', fresh],
    { cwd: root },
  );
  if (!existsSync(join(fresh, 'index.js'))) throw new BuildError(`${stdout}${stderr}`);
  writeEsmDoor(fresh);
  if (existsSync(join(folder, 'labextension'))) await bundleExtension(folder, fresh);
  const dist = join(folder, 'dist');
  const old = join(folder, 'dist.old');
  rmSync(old, { recursive: true, force: true });
  if (existsSync(dist)) renameSync(dist, old);
  renameSync(fresh, dist);
  rmSync(old, { recursive: true, force: true });
  return code === 0 ? '' : `${stdout}${stderr}`;
}

/** JupyterLab's extension as static files: its package.json, and one script in the form of webpack's module federation. */
async function bundleExtension(folder, fresh) {
  const { build: bundle } = await import('esbuild');
  const source = join(folder, 'labextension');
  const target = join(fresh, 'labextensions', '@flowbook', 'viewer');
  await bundle({
    entryPoints: [join(source, 'src', 'remote-entry.ts')],
    outfile: join(target, 'static', 'remoteEntry.js'),
    bundle: true,
    format: 'iife',
    target: 'es2022',
    logLevel: 'error',
  });
  copyFileSync(join(source, 'package.json'), join(target, 'package.json'));
}

async function buildPackages(report) {
  const started = [];
  let complaints = '';
  let hash = '';
  for (const [index, name] of packages.entries()) {
    hash = sourcesHash(name, hash);
    if (readStamp(name) === hash) continue;
    report(`compiling ${name}`, index / packages.length);
    started.push(name);
    const said = await compile(name);
    complaints += said;
    if (said === '') writeFileSync(join(root, name, 'dist', stampName), hash);
  }
  if (complaints) throw new BuildError(complaints);
  return started.length === 0 ? 'is up to date' : `compiled ${started.join(' and ')}`;
}

/** Builds what has changed. A package with type errors is still emitted, and the build fails with all of them. */
export function build(report) {
  return withLock(
    cacheFolder(),
    `${cloneName}-build`,
    () => buildPackages(report),
    (pid) => report(`waiting for another build (process ${pid})`),
  );
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    await runStages([{ name: 'build', run: build }]);
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
