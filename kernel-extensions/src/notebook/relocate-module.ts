import { existsSync } from 'node:fs';
import * as path from 'node:path';

/**
 * Turns a module path that a notebook uses into one for its script; packages stay as they are.
 * `how` is the resolution that will read it: `import` needs endings, `require` finds them.
 */
export type Relocate = (specifier: string, how: 'import' | 'require') => string;

/** The `Relocate` for a notebook in one folder and its script in another. */
export function relocation(notebookFolder: string, scriptFolder: string): Relocate {
  return (specifier, how) => {
    if (!/^\.\.?(\/|$)/.test(specifier)) return specifier;
    const target = path.resolve(notebookFolder, specifier);
    const file = how === 'import' ? withEnding(target) : target;
    const moved = path.relative(scriptFolder, file).split(path.sep).join('/');
    return moved.startsWith('.') ? moved : `./${moved}`;
  };
}

/** TypeScript files are imported by the name of what they compile to. */
function withEnding(target: string): string {
  const endings = {
    '.ts': '.js',
    '.mts': '.mjs',
    '.js': '.js',
    '/index.ts': '/index.js',
    '/index.js': '/index.js',
  };
  const found = Object.entries(endings).find(([ending]) => existsSync(target + ending));
  return found ? target + found[1] : target;
}
