import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cacheFolder } from './cache-folder.mjs';
import { ensureJupyter, ensurePython } from './jupyter.mjs';
import { withLock } from './lock.mjs';
import {
  ensureBinding,
  bindingFolder,
  isBindingInPlace,
  packageFolder,
} from './native/binding.mjs';
import { ensureLibrary, isLibraryReady } from './native/library.mjs';
import { checkThatItLoads } from './native/load-check.mjs';
import { nvidiaGpu } from './nvidia-gpu.mjs';
import { platformFor, tensorflowVersion, thisMachine } from './platforms.mjs';
import { ensureRay } from './ray.mjs';
import { SetupProblem } from './setup-problem.mjs';
import { ensureStartImage } from './start-image/start-image.mjs';

const here = dirname(fileURLToPath(import.meta.url));

/** Folders of the installed packages that the binding is built from; null where they are not installed. */
export function bindingPackages() {
  const places = [here, process.cwd()];
  const sdk = packageFolder('@flowbook/sdk', places);
  if (sdk) places.unshift(sdk);
  const headers = packageFolder('node-api-headers', places);
  return {
    tfjs: packageFolder('@tensorflow/tfjs-node-gpu', places),
    nodeHeaders: headers && join(headers, 'include'),
  };
}

function requirePlatform(options) {
  const platform = platformFor(thisMachine(options));
  if (platform.state !== 'unavailable') return platform;
  throw new SetupProblem(
    'native library for this platform',
    `Cannot fetch the native library on ${platform.name} as ${platform.reason}`,
    null,
  );
}

function requireBindingPackages() {
  const packages = bindingPackages();
  if (packages.tfjs && packages.nodeHeaders) return packages;
  throw new SetupProblem(
    'npm package',
    `Cannot build the native binding as @tensorflow/tfjs-node-gpu and node-api-headers must be installed: ${packages.tfjs ? 'node-api-headers' : '@tensorflow/tfjs-node-gpu'} is missing`,
    'npm install --ignore-scripts',
  );
}

/** Whether the CUDA build was fetched, by `flowbook setup --cuda`. */
function isCudaChosen(cache) {
  const platform = platformFor(thisMachine({ cuda: true }));
  return platform.state !== 'unavailable' && isLibraryReady(cache, platform);
}

const waitingLine = (report) => (pid) => report(`waiting for another set-up (process ${pid})`);

/**
 * The stages that fetch and build what npm does not carry, in order.
 *
 * @param options `jupyter: false` leaves JupyterLab out; `ray: true` adds Ray, for many machines; `cuda: true` takes the CUDA build of the library, which then
 *   stays the choice until its folder is removed from the cache
 */
export function setupStages({
  jupyter = true,
  ray = false,
  cache = cacheFolder(),
  cuda = isCudaChosen(cache),
} = {}) {
  const locked = (name, work) => (report) =>
    withLock(cache, name, () => work(report), waitingLine(report));
  const stages = [
    {
      name: 'native library',
      run: locked('native', (report) =>
        ensureLibrary({
          cache,
          platform: requirePlatform({ cuda }),
          pythonFor: () =>
            withLock(cache, 'python', () => ensurePython(cache), waitingLine(report)),
          report,
        }),
      ),
    },
    {
      name: 'native binding',
      run: locked('native', async (report) => {
        const platform = requirePlatform({ cuda });
        const packages = requireBindingPackages();
        if (!isLibraryReady(cache, platform)) return 'left out, as the native library is missing';
        const built = bindingFolder({ cache, platform, ...packages });
        if (isBindingInPlace(built, packages.tfjs)) return 'is in place';
        const done = await ensureBinding({ cache, platform, ...packages, report });
        report('loading it');
        const { version } = await checkThatItLoads(built);
        return `${done}, runs TensorFlow ${version}`;
      }),
    },
    { name: 'start image', run: () => ensureStartImage({ cache }) },
  ];
  if (jupyter) {
    stages.push({
      name: 'JupyterLab',
      run: locked('python', (report) => ensureJupyter({ cache, report })),
    });
  }
  if (ray) {
    stages.push({ name: 'Ray', run: locked('ray', (report) => ensureRay({ cache, report })) });
  }
  return stages;
}

/** Whether only tfjs's JavaScript backend can run here. */
function isNativeMissing(cache) {
  const platform = platformFor(thisMachine({ cuda: isCudaChosen(cache) }));
  const packages = bindingPackages();
  if (platform.state === 'unavailable' || !packages.tfjs || !packages.nodeHeaders) return true;
  return (
    !isLibraryReady(cache, platform) ||
    !isBindingInPlace(bindingFolder({ cache, platform, ...packages }), packages.tfjs)
  );
}

/** Prints what is missing, once each, and what it means. Returns whether everything is there. */
export async function reportProblems(problems, { stream = process.stderr } = {}) {
  const cache = cacheFolder();
  const told = new Set();
  for (const problem of problems) {
    if (told.has(problem.piece)) continue;
    told.add(problem.piece);
    stream.write(`\n${problem.text}\n`);
  }
  if (isNativeMissing(cache)) {
    stream.write(
      `\nFLOWBOOK RUNS WITHOUT NATIVE TENSORFLOW ${tensorflowVersion}, on the JavaScript backend: everything works, many times slower.\n`,
    );
  }
  const gpu = await nvidiaGpu();
  if (gpu && !isCudaChosen(cache)) {
    stream.write(
      `\nRuns on the CPU, although an NVIDIA GPU is there (${gpu}): "npx flowbook setup --cuda" takes TensorFlow's CUDA build, which nobody has tried with Flowbook.\n`,
    );
  }
  return problems.length === 0;
}
