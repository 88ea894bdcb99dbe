// npm run docs; docs/make/main.ts says more.
import { runTypeScript } from './run-typescript.mjs';

await runTypeScript('docs/make/main.ts', { jupyter: false, peers: false, browser: false });
