// npm run datasets: makes every data file below datasets/ anew, byte for byte. Tiny checkpoints are trained, not made.
import { runTypeScript } from './run-typescript.mjs';

await runTypeScript('datasets/make/main.ts', { jupyter: false, peers: false, browser: false });
