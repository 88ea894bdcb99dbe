import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** What every notebook can import, wherever it lies: packages that are installed beside the kernel. */
const OWN_PACKAGES = ['@flowbook/sdk', '@flowbook/kernel-extensions', '@tensorflow/tfjs'];

/** Flowbook's packages for notebooks that have none of their own: package name -> folder. */
export function findOwnPackages(cwd: string): Map<string, string> {
  const fromNotebook = createRequire(join(cwd, 'notebook.js'));
  const fromKernel = createRequire(__filename);
  const found = new Map<string, string>();
  for (const name of OWN_PACKAGES) {
    if (resolveOrNull(fromNotebook, `${name}/package.json`)) continue;
    const file = resolveOrNull(fromKernel, `${name}/package.json`);
    if (file) found.set(name, dirname(file));
  }
  return found;
}

/** Folder of the type declarations of Node itself, for notebooks that have none near. */
export function nodeTypeRoots(): string[] {
  const file = resolveOrNull(createRequire(__filename), '@types/node/package.json');
  return file ? [dirname(dirname(file))] : [];
}

function resolveOrNull(require: NodeJS.Require, specifier: string): string | null {
  try {
    return require.resolve(specifier);
  } catch {
    return null;
  }
}
