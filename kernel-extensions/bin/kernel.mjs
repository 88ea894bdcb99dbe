#!/usr/bin/env node
// Starts the Jupyter kernel; kernel.json points here. Usage: kernel.mjs CONNECTION_FILE
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const main = new URL('../dist/kernel/main.js', import.meta.url);
if (!existsSync(fileURLToPath(main))) {
  console.error(
    `Cannot start the Flowbook kernel as it must be built: ${fileURLToPath(main)} is missing; run npm run build`,
  );
  process.exit(1);
}
await import(main.href);
