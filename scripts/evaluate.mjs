// npm run evaluate -- notebooks/results/NN-NAME-seedS.json
import { runTypeScript } from './run-typescript.mjs';

await runTypeScript('notebooks/full/evaluate.ts', { jupyter: false, peers: false, browser: false });
