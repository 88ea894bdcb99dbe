import { readFileSync, statSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';

/** Endings that an import may leave out, in the order in which they are tried. */
const ENDINGS = ['.ts', '.tsx', '.mts', '.cts', '.js', '.jsx', '.mjs', '.cjs', '.json', '.node'];

/** What TypeScript's own imports call a file by: the name of what it would be compiled to. */
const SOURCES_OF: Record<string, string[]> = {
  '.js': ['.ts', '.tsx'],
  '.jsx': ['.tsx'],
  '.mjs': ['.mts'],
  '.cjs': ['.cts'],
};

/** The file that a path in an import means: itself, its TypeScript source, with an ending, or a folder's index. */
export function findModuleFile(path: string): string | null {
  if (isFile(path)) return path;
  const ending = extname(path);
  const bare = path.slice(0, path.length - ending.length);
  const candidates = [
    ...(SOURCES_OF[ending] ?? []).map((source) => bare + source),
    ...ENDINGS.map((one) => path + one),
    ...ENDINGS.map((one) => join(path, `index${one}`)),
  ];
  return candidates.find(isFile) ?? null;
}

/** When a file was last changed; 0 where there is none. */
export function modifiedAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** Whether Node takes a file for an ES module. */
export function isEsModule(file: string): boolean {
  return file.endsWith('.mjs') || (file.endsWith('.js') && isInModulePackage(file));
}

/** Whether the nearest package.json makes an ES module of a file whose ending says nothing of it. */
export function isInModulePackage(file: string): boolean {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    if (isFile(manifest)) {
      try {
        return (JSON.parse(readFileSync(manifest, 'utf8')) as { type?: string }).type === 'module';
      } catch {
        return false; // Node says what is wrong with it
      }
    }
    if (folder === dirname(folder)) return false;
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}
