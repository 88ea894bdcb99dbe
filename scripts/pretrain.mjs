// npm run pretrain -- qwen-image|sd3: trains a tiny model of the shapes world from new weights; datasets/shapes/pretrain/main.ts says
// what else there is.
import { runTypeScript } from './run-typescript.mjs';

await runTypeScript('datasets/shapes/pretrain/main.ts', {
  jupyter: false,
  peers: false,
  browser: false,
});
