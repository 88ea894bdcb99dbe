/**
 * What each platform gets, worked out from PyPI's list of TensorFlow 2.21.0's wheels and from the files in them.
 *
 * One wheel serves every Python: only its C++ libraries and headers are unpacked. `state` is 'proven' where
 * we ran it, 'untried' where the wheel holds what the build needs but nobody has run it, and 'unavailable'
 * where TensorFlow.js's JavaScript backend is all there is.
 */
export const tensorflowVersion = '2.21.0';

const headers = [
  'tensorflow/include/tensorflow/c/',
  'tensorflow/include/tensorflow/core/platform/',
  'tensorflow/include/tsl/',
  'tensorflow/include/xla/tsl/',
];
const linuxLibraries = ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'];

export const platforms = {
  'linux-x64': {
    state: 'proven',
    needs: 'a processor with AVX and glibc 2.27 or newer',
    wheel: {
      project: 'tensorflow-cpu',
      tag: 'manylinux_2_27_x86_64',
      sha256: '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
      bytes: 273829956,
    },
    libraries: linuxLibraries,
    unpackedBytes: 862_000_000,
    headers,
  },
  'linux-x64-cuda': {
    state: 'untried',
    needs: "CUDA 12.5 or newer and cuDNN 9.3 or newer on the loader's path",
    wheel: {
      project: 'tensorflow',
      tag: 'manylinux_2_27_x86_64',
      sha256: '9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124',
      bytes: 572440367,
    },
    libraries: linuxLibraries,
    unpackedBytes: 1_300_000_000,
    headers,
  },
  'linux-arm64': {
    state: 'untried',
    needs: 'glibc 2.27 or newer',
    wheel: {
      project: 'tensorflow',
      tag: 'manylinux_2_27_aarch64',
      sha256: '4b24aca16d527a3cf1c37f720c04c484c3d20f4d0fdfa98632ac8b9f3be6eb5c',
      bytes: 281828020,
    },
    libraries: linuxLibraries,
    unpackedBytes: 890_000_000,
    headers,
  },
  'darwin-arm64': {
    state: 'untried',
    needs: 'macOS 12 or newer',
    wheel: {
      project: 'tensorflow',
      tag: 'macosx_12_0_arm64',
      sha256: '51f46f4806139d01fc7920cc72a4c75876f80649bf40ff083ab6212ceb43ca88',
      bytes: 223405849,
    },
    libraries: ['libtensorflow_cc.2.dylib', 'libtensorflow_framework.2.dylib'],
    unpackedBytes: 750_000_000,
    headers,
  },
  'darwin-x64': {
    state: 'unavailable',
    reason: `TensorFlow ${tensorflowVersion} has no wheel for Intel Macs`,
  },
  'win32-x64': {
    state: 'unavailable',
    reason:
      'the Windows wheel keeps its library inside a Python extension, which the binding cannot link; WSL 2 gets the Linux one',
  },
};

/**
 * The row of the table for a machine.
 *
 * @param machine `{platform, arch, cuda, glibc}`; `glibc` is null on a Linux without it (Alpine).
 * @returns the row with its `name`; a machine that the table does not hold is 'unavailable', with the reason.
 */
export function platformFor({ platform, arch, cuda = false, glibc }) {
  const name = `${platform}-${arch}${cuda ? '-cuda' : ''}`;
  if (platform === 'linux' && glibc === null) {
    return {
      name,
      state: 'unavailable',
      reason: 'TensorFlow has no wheel for a Linux without glibc',
    };
  }
  const row = platforms[name];
  if (!row) {
    return {
      name,
      state: 'unavailable',
      reason: `TensorFlow ${tensorflowVersion} has no wheel for ${name}`,
    };
  }
  return { name, ...row };
}

/** This machine, as `platformFor` takes it. */
export function thisMachine({ cuda = false } = {}) {
  const glibc =
    process.platform === 'linux'
      ? (process.report.getReport().header.glibcVersionRuntime ?? null)
      : undefined;
  return { platform: process.platform, arch: process.arch, cuda, glibc };
}
