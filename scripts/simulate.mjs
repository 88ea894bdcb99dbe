// npm run simulate -- --workers 2..512; scaling/main.ts says more.
import { runTypeScript } from './run-typescript.mjs';

await runTypeScript('scaling/main.ts', { jupyter: false, peers: false, browser: false });
