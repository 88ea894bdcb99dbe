// Runs a TypeScript program of the repository once set-up is done, in the folder that the user typed its command in.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { reportProblems } from '../kernel-extensions/setup/setup-stages.mjs';
import { runStages } from '../kernel-extensions/setup/stages.mjs';
import { allStages } from './stages.mjs';

const inRepository = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** @param stages What set-up includes; see `allStages`. */
export async function runTypeScript(program, stages) {
  // npm changes to the repository's folder; relative paths mean the folder that the user typed them in.
  const typedIn = (process.env.npm_lifecycle_event && process.env.INIT_CWD) || process.cwd();
  if (!(await reportProblems(await runStages(allStages(stages))))) {
    process.exitCode = 1;
    return;
  }
  const { status } = spawnSync(
    process.execPath,
    ['--import', import.meta.resolve('tsx'), inRepository(program), ...process.argv.slice(2)],
    {
      cwd: typedIn,
      env: {
        ...process.env,
        TF_CPP_MIN_LOG_LEVEL: process.env.TF_CPP_MIN_LOG_LEVEL ?? '3',
        TSX_TSCONFIG_PATH: inRepository('tsconfig.json'),
      },
      stdio: 'inherit',
    },
  );
  process.exitCode = status ?? 1;
}
