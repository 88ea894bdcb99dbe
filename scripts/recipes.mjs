// npm run recipes -- --full [--only NN] [--seeds 1,2,3]; notebooks/full/main.ts says more.
import { runTypeScript } from './run-typescript.mjs';

await runTypeScript('notebooks/full/main.ts', { jupyter: false, peers: false, browser: false });
