// npm run golden -- ROOT [--json FILE]: checks every golden case below ROOT.
import { runTypeScript } from './run-typescript.mjs';

await runTypeScript('test/golden/run.ts', null);
