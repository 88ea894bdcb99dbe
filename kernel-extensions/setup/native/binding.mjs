import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installCommand } from '../install-command.mjs';
import { runCommand } from '../run-command.mjs';
import { SetupProblem } from '../setup-problem.mjs';
import { libraryFolder } from './library.mjs';

/** The addon that Node loads, and the binding that it hands over to. */
export const bindingFiles = ['tfjs_binding.node', 'tfjs_binding_tensorflow.node'];

/** tfjs-node picks the highest Node-API version of its list that Node knows: 8 for every Node from 16 on. */
const napiVersion = 8;

/** Folder of our own C++ sources: this one. */
const ownSources = fileURLToPath(new URL('.', import.meta.url));
const ownSourceNames = [
  'binding.cc',
  'fault-report.h',
  'file-tensors.h',
  'freed-memory.h',
  'gaussian-step.h',
  'graph-functions.h',
  'held-signals.h',
  'in-parts.h',
  'javascript-values.h',
  'loading-pages.h',
  'new-tensor.h',
  'normal-noise.h',
  'open-quietly.cc',
  'own-memory.h',
  'recorded-graph.h',
  'shared-operations.h',
];

/** Folder of an installed package, searched from each of `places` upwards; null when it is not there. */
export function packageFolder(name, places) {
  for (const place of places) {
    try {
      return dirname(createRequire(join(place, 'x.js')).resolve(`${name}/package.json`));
    } catch (error) {
      if (error.code !== 'MODULE_NOT_FOUND') throw error;
    }
  }
  return null;
}

/** The first C++ compiler that runs: $CXX, g++, clang++ or c++. */
export async function findCompiler(environment = process.env) {
  for (const program of [environment.CXX, 'g++', 'clang++', 'c++'].filter(Boolean)) {
    const { code, stdout } = await runCommand(program, ['--version'], { env: environment });
    if (code === 0) return { program, version: stdout.split('\n')[0] };
  }
  throw new SetupProblem(
    'C++ compiler',
    'Cannot build the native binding as a C++ compiler must be on the PATH: g++, clang++ and c++ are missing',
    installCommand('compiler'),
  );
}

function commands({ platform, library, nodeHeaders, tfjs, sources, folder }) {
  const [tensorflow, framework] = platform.libraries.map((name) => join(library, name));
  const shared = ['-std=c++17', '-shared', '-fPIC', '-pthread', `-DNAPI_VERSION=${napiVersion}`];
  // What a loop over numbers needs to run in vectors, with the same bits as one after the other.
  shared.push('-O3', '-fno-math-errno', '-fno-trapping-math', '-ffp-contract=off');
  if (process.platform === 'darwin') shared.push('-undefined', 'dynamic_lookup');
  const include = `-I${nodeHeaders}`;
  return [
    [
      ...shared,
      '-DNODE_GYP_MODULE_NAME=tfjs_binding',
      '-DBUILDING_NODE_EXTENSION',
      '-fno-access-control',
      `-I${tfjs}`,
      `-I${join(library, 'include')}`,
      include,
      ...['held-signals.h', 'own-memory.h'].flatMap((name) => ['-include', join(sources, name)]),
      join(tfjs, 'binding', 'tfjs_backend.cc'),
      join(sources, 'binding.cc'),
      tensorflow,
      framework,
      `-Wl,-rpath,${library}`,
      '-o',
      join(folder, bindingFiles[1]),
    ],
    [
      ...shared,
      `-DTENSORFLOW_FRAMEWORK="${framework}"`,
      include,
      join(sources, 'open-quietly.cc'),
      ...(process.platform === 'linux' ? ['-ldl'] : []),
      '-o',
      join(folder, bindingFiles[0]),
    ],
  ];
}

function keyOf(parts, files) {
  const hash = createHash('sha256').update(JSON.stringify(parts));
  for (const file of files) hash.update(readFileSync(file));
  return hash.digest('hex').slice(0, 16);
}

/** Where the binding is built in the cache folder: one folder for each set of sources, flags and library. */
export function bindingFolder({ cache, platform, tfjs }) {
  const library = libraryFolder(cache, platform);
  const theirSources = join(tfjs, 'binding');
  // Where the sources lie does not matter: all clones and installations share one binding.
  const anywhere = { nodeHeaders: '', tfjs: '', sources: '', folder: '' };
  const key = keyOf(commands({ platform, library, ...anywhere }), [
    ...readdirSync(theirSources)
      .sort()
      .map((name) => join(theirSources, name)),
    ...ownSourceNames.map((name) => join(ownSources, name)),
  ]);
  return join(cache, `binding-${platform.name}-${key}`);
}

function isSame(one, other) {
  return existsSync(other) && readFileSync(one).equals(readFileSync(other));
}

/** Whether the built binding lies where tfjs-node looks for it. */
export function isBindingInPlace(built, tfjs) {
  const place = join(tfjs, 'lib', `napi-v${napiVersion}`);
  return bindingFiles.every(
    (name) => existsSync(join(built, name)) && isSame(join(built, name), join(place, name)),
  );
}

async function build({ cache, platform, nodeHeaders, tfjs, built, report }) {
  const { program } = await findCompiler();
  const partial = `${built}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  const library = libraryFolder(cache, platform);
  const list = commands({
    platform,
    library,
    nodeHeaders,
    tfjs,
    sources: ownSources,
    folder: partial,
  });
  for (const [index, flags] of list.entries()) {
    report(`compiling with ${program}`, index / list.length);
    const { code, stderr } = await runCommand(program, flags);
    if (code !== 0) {
      throw new SetupProblem(
        'working C++ compiler',
        `Cannot build the native binding as ${program} must compile it: ${stderr.trim().split('\n')[0]}`,
        `${program} ${flags.join(' ')}   to see all of it, or install another compiler: ${installCommand('compiler')}`,
      );
    }
  }
  rmSync(built, { recursive: true, force: true });
  renameSync(partial, built);
}

/**
 * Builds tfjs-node's binding against the native library, once for all clones, and copies it to where
 * tfjs-node looks for it.
 *
 * @param tfjs folder of the installed package @tensorflow/tfjs-node-gpu
 * @param nodeHeaders folder of the Node-API headers
 * @returns the text of the finished progress line
 */
export async function ensureBinding({ cache, platform, tfjs, nodeHeaders, report }) {
  const built = bindingFolder({ cache, platform, tfjs });
  if (isBindingInPlace(built, tfjs)) return 'is in place';
  const isBuilt = bindingFiles.every((name) => existsSync(join(built, name)));
  if (!isBuilt) await build({ cache, platform, nodeHeaders, tfjs, built, report });
  const place = join(tfjs, 'lib', `napi-v${napiVersion}`);
  mkdirSync(place, { recursive: true });
  for (const name of bindingFiles) {
    // Renaming leaves the old file to the processes that have it loaded.
    copyFileSync(join(built, name), join(place, `${name}.partial`));
    renameSync(join(place, `${name}.partial`), join(place, name));
  }
  return isBuilt ? 'copied from the cache' : 'built';
}
