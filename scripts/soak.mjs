// npm run soak -- [--minutes M] [--seed S] [--only FAULT] [--json FILE]: tries faults on training, kernel and rewards; test/soak/main.ts
// says which.
import { runTypeScript } from './run-typescript.mjs';

await runTypeScript('test/soak/main.ts', { jupyter: false, peers: false, browser: false });
