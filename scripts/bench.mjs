// npm run bench -- [ROW...] [--json FILE] [--quick] [--grow]: times Flowbook and PyTorch side by side; test/bench/main.ts says
// what else there is.
import { runTypeScript } from './run-typescript.mjs';

await runTypeScript('test/bench/main.ts', { jupyter: false, peers: true, browser: false });
