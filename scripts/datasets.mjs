// npm run datasets: makes every data file below datasets/ anew, byte for byte. The tiny checkpoint is trained, not made.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const inRepository = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

const { status } = spawnSync(
  process.execPath,
  ['--import', import.meta.resolve('tsx'), inRepository('datasets/make/main.ts')],
  {
    env: { ...process.env, TSX_TSCONFIG_PATH: inRepository('tsconfig.json') },
    stdio: 'inherit',
  },
);
process.exitCode = status ?? 1;
