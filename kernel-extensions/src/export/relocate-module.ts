import { existsSync } from 'node:fs';
import * as path from 'node:path';
import { findModuleFile } from '../kernel/engine/modules/module-files';
import { ModuleNames } from '../kernel/engine/modules/module-names';

/**
 * Turns a module path that a notebook uses into one for its script; packages stay as they are.
 * `how` is the resolution that will read it: `import` needs endings, `require` finds them.
 */
export type Relocate = (specifier: string, how: 'import' | 'require') => string;

/** The same as `relocation`, for names that Node does not know, too: `npm:yaml` is what it is in the kernel. */
export function relocationFrom(notebookFolder: string, scriptFolder: string): Relocate {
  const names = new ModuleNames(notebookFolder);
  const relocate = relocation(notebookFolder, scriptFolder);
  return (specifier, how) => {
    const target = names.resolve(specifier);
    if (!path.isAbsolute(target)) return relocate(target, how);
    // What is given from the root is the same from every folder, also where the script is taken to.
    if (target === specifier || specifier.startsWith('file:')) return target;
    return relocate(`./${path.relative(notebookFolder, target)}`, how);
  };
}

/** Whether a module path of a notebook is that of a file beside it, or above or below. */
export function isOwnModule(notebookFolder: string, specifier: string): boolean {
  return (
    relative.test(specifier) && findModuleFile(path.resolve(notebookFolder, specifier)) !== null
  );
}

const relative = /^\.\.?(\/|$)/;

/** The `Relocate` for a notebook in one folder and its script in another. */
export function relocation(notebookFolder: string, scriptFolder: string): Relocate {
  return (specifier, how) => {
    if (!relative.test(specifier)) return specifier;
    const target = path.resolve(notebookFolder, specifier);
    const file = how === 'import' ? withEnding(target) : target;
    const moved = path.relative(scriptFolder, file).split(path.sep).join('/');
    return relative.test(moved) ? moved : `./${moved}`;
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
