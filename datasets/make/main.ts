import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { allFiles } from './all-files';

/** Makes every data file anew. */
async function main(): Promise<void> {
  for (const [path, bytes] of Object.entries(await allFiles())) {
    const file = join(__dirname, '..', path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, bytes);
    process.stdout.write(`datasets/${path}: ${bytes.length} bytes\n`);
  }
}

void main();
