import { readFileSync } from 'node:fs';
import { nvidiaGpu } from '../nvidia-gpu.mjs';
import { runCommand } from '../run-command.mjs';
import { bindingFolder, findCompiler, isBindingInPlace } from '../native/binding.mjs';
import { isLibraryReady, libraryFolder } from '../native/library.mjs';
import { checkThatItLoads } from '../native/load-check.mjs';
import { platformFor, tensorflowVersion, thisMachine } from '../platforms.mjs';
import { bindingPackages } from '../setup-stages.mjs';

const interesting = ['avx', 'avx2', 'fma', 'avx512f', 'avx512_bf16', 'amx_bf16', 'asimd', 'bf16'];

/** The platform, and whether anyone has tried Flowbook on it. */
export function platformCheck() {
  const platform = platformFor(thisMachine());
  const detail = {
    proven: `${platform.name}, tried; needs ${platform.needs}`,
    untried: `${platform.name}: a library exists, but NOBODY HAS TRIED IT; needs ${platform.needs}`,
    unavailable: `${platform.name} runs on the JavaScript backend alone, as ${platform.reason}`,
  }[platform.state];
  return { name: 'platform', state: platform.state === 'proven' ? 'ok' : 'warning', detail };
}

async function processorFeatures() {
  if (process.platform === 'linux') {
    const text = readFileSync('/proc/cpuinfo', 'utf8');
    const flags = (/^(?:flags|Features)\s*:\s*(.*)$/m.exec(text)?.[1] ?? '').split(' ');
    const model = /^model name\s*:\s*(.*)$/m.exec(text)?.[1] ?? process.arch;
    return { model, features: interesting.filter((name) => flags.includes(name)) };
  }
  if (process.platform === 'darwin') {
    const { stdout } = await runCommand('sysctl', ['-n', 'machdep.cpu.brand_string']);
    return { model: stdout.trim() || process.arch, features: [] };
  }
  return { model: process.env.PROCESSOR_IDENTIFIER ?? process.arch, features: [] };
}

/** The processor and its vector instructions. */
export async function processorCheck() {
  const { model, features } = await processorFeatures();
  const detail = `${model}; ${features.length > 0 ? features.join(' ') : 'features are not read here'}`;
  if (process.platform === 'linux' && process.arch === 'x64' && !features.includes('avx')) {
    return {
      name: 'processor',
      state: 'broken',
      detail: `${detail}: TensorFlow needs AVX`,
      fix: 'use a processor with AVX, or run on the JavaScript backend: export FLOWBOOK_BACKEND=cpu',
    };
  }
  return { name: 'processor', state: 'ok', detail };
}

/** The C++ compiler, needed once to build the binding. */
async function compilerCheck(isBindingBuilt) {
  try {
    const { program, version } = await findCompiler();
    return { name: 'compiler', state: 'ok', detail: `${program}: ${version}` };
  } catch (error) {
    const state = isBindingBuilt ? 'ok' : 'broken';
    const detail = isBindingBuilt
      ? 'none, and none is needed: the binding is built'
      : error.message;
    return { name: 'compiler', state, detail, fix: isBindingBuilt ? undefined : error.command };
  }
}

function deviceCheck(isGpu, gpu, isCudaBuild) {
  if (isGpu)
    return { name: 'device', state: 'ok', detail: `CUDA on ${gpu} (nobody has tried this)` };
  if (!gpu)
    return { name: 'device', state: 'ok', detail: 'CPU, as nvidia-smi shows no NVIDIA GPU' };
  return isCudaBuild
    ? {
        name: 'device',
        state: 'broken',
        detail: `CPU, although ${gpu} is there: TensorFlow's CUDA build found no usable GPU`,
        fix: "TF_CPP_MIN_LOG_LEVEL=0 npx flowbook doctor   and read TensorFlow's own lines about CUDA libraries",
      }
    : {
        name: 'device',
        state: 'warning',
        detail: `CPU, although ${gpu} is there: TensorFlow's CPU build is set up`,
        fix: 'npx flowbook setup --cuda   (nobody has tried this)',
      };
}

/** The native library, its binding, and the device that they run on. */
export async function nativeChecks(cache) {
  const name = 'native library';
  const fix = 'npx flowbook setup';
  const packages = bindingPackages();
  if (!packages.tfjs || !packages.nodeHeaders) {
    const detail = '@tensorflow/tfjs-node-gpu is not installed';
    return [{ name, state: 'broken', detail, fix: 'npm ci --ignore-scripts' }];
  }
  const candidates = [platformFor(thisMachine({ cuda: true })), platformFor(thisMachine())];
  const built = candidates
    .filter((platform) => platform.state !== 'unavailable' && isLibraryReady(cache, platform))
    .map((platform) => ({ platform, folder: bindingFolder({ cache, platform, ...packages }) }))
    .find(({ folder }) => isBindingInPlace(folder, packages.tfjs));
  if (!built) {
    const { state, reason } = candidates[1];
    if (state === 'unavailable') {
      return [{ name, state: 'warning', detail: `none: ${reason}; the JavaScript backend serves` }];
    }
    const isThere = isLibraryReady(cache, candidates[1]);
    const detail = isThere
      ? 'its binding is not built: the JavaScript backend serves, many times slower'
      : `TensorFlow ${tensorflowVersion} is not fetched: the JavaScript backend serves, many times slower`;
    return [{ name, state: 'broken', detail, fix }, await compilerCheck(false)];
  }
  try {
    const { version, isGpu } = await checkThatItLoads(built.folder);
    const gpu = await nvidiaGpu();
    return [
      {
        name,
        state: 'ok',
        detail: `TensorFlow ${version} from ${libraryFolder(cache, built.platform)}`,
      },
      deviceCheck(isGpu, gpu, built.platform.name.endsWith('-cuda')),
      await compilerCheck(true),
    ];
  } catch (error) {
    return [{ name, state: 'broken', detail: error.message, fix }];
  }
}
