import { existsSync, readFileSync } from 'node:fs';
import * as path from 'node:path';

/** Whether Node takes a TypeScript file for an ES module: by its ending, else by the nearest package.json. */
export function isModuleFile(file: string): boolean {
  if (file.endsWith('.mts')) return true;
  if (file.endsWith('.cts')) return false;
  for (let folder = path.dirname(file); ; folder = path.dirname(folder)) {
    const manifest = path.join(folder, 'package.json');
    if (existsSync(manifest)) {
      return (JSON.parse(readFileSync(manifest, 'utf8')) as { type?: string }).type === 'module';
    }
    if (folder === path.dirname(folder)) return false;
  }
}
