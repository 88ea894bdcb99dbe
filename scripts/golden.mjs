// npm run golden -- ROOT [--json FILE]: checks every golden case below ROOT.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const inRepository = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
// npm changes to the repository's folder; relative paths mean the folder that the user typed them in.
const typedIn =
  process.env.npm_lifecycle_event === 'golden' && process.env.INIT_CWD
    ? process.env.INIT_CWD
    : process.cwd();

const { status } = spawnSync(
  process.execPath,
  [
    '--import',
    import.meta.resolve('tsx'),
    inRepository('test/golden/run.ts'),
    ...process.argv.slice(2),
  ],
  {
    cwd: typedIn,
    env: { ...process.env, TSX_TSCONFIG_PATH: inRepository('tsconfig.json') },
    stdio: 'inherit',
  },
);
process.exit(status ?? 1);
