// npm run bench:kernel -- [--json FILE] [--quick]: start and latency of the kernel beside Deno's kernel and ipykernel.
import { runTypeScript } from './run-typescript.mjs';

await runTypeScript('test/bench/kernel/main.ts', { jupyter: true, peers: false, browser: false });
