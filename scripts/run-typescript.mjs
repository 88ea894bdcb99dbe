// Runs a TypeScript program of the repository in the folder that the user typed its command in.
import { spawnSync } from 'node:child_process';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { reportProblems } from '../kernel-extensions/setup/setup-stages.mjs';
import { runStages } from '../kernel-extensions/setup/stages.mjs';
import { allStages } from './stages.mjs';

const inRepository = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** npm changes to the repository's folder; relative paths mean the folder that the user typed them in. */
function typedIn() {
  const script = basename(process.argv[1], '.mjs');
  const { npm_lifecycle_event: event, INIT_CWD: folder } = process.env;
  return event === script && folder ? folder : process.cwd();
}

/** @param stages What is set up beforehand, see `allStages`; null: nothing. */
export async function runTypeScript(program, stages) {
  if (stages !== null && !(await reportProblems(await runStages(allStages(stages))))) {
    process.exitCode = 1;
    return;
  }
  const { status } = spawnSync(
    process.execPath,
    ['--import', import.meta.resolve('tsx'), inRepository(program), ...process.argv.slice(2)],
    {
      cwd: typedIn(),
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
