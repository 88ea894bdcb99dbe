// npm run bench -- [ROW...] [--json FILE] [--quick] [--grow]: times Flowbook and PyTorch side by side; test/bench/main.ts says
// what else there is.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { reportProblems } from '../kernel-extensions/setup/setup-stages.mjs';
import { runStages } from '../kernel-extensions/setup/stages.mjs';
import { allStages } from './stages.mjs';

const inRepository = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
// npm changes to the repository's folder; relative paths mean the folder that the user typed them in.
const typedIn =
  process.env.npm_lifecycle_event === 'bench' && process.env.INIT_CWD
    ? process.env.INIT_CWD
    : process.cwd();

if (
  await reportProblems(await runStages(allStages({ jupyter: false, peers: true, browser: false })))
) {
  const { status } = spawnSync(
    process.execPath,
    [
      '--import',
      import.meta.resolve('tsx'),
      inRepository('test/bench/main.ts'),
      ...process.argv.slice(2),
    ],
    {
      cwd: typedIn,
      env: { ...process.env, TSX_TSCONFIG_PATH: inRepository('tsconfig.json') },
      stdio: 'inherit',
    },
  );
  process.exitCode = status ?? 1;
} else {
  process.exitCode = 1;
}
