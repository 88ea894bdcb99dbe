import { readdirSync, readFileSync, type Dirent } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import type { CompletionReply } from '../engine-messages';

/** The text of an import's path, up to the cursor. */
const PATH_BEGUN =
  /(?:\bfrom\s*|\bimport\s*|\b(?:import|require)\s*\(\s*)(?<quote>['"`])(?<path>[^'"`\n]*)$/;

/** Endings that an import leaves out, and those that it names. */
const SOURCE = /(?<!\.d)\.tsx?$/;
const NAMED = /\.(mts|cts|js|mjs|cjs|json)$/;

interface Candidate {
  text: string;
  kind: 'directory' | 'script' | 'external module name';
}

/** Where imports of a notebook are looked for. */
export interface ImportPlaces {
  cwd: string;
  /** Packages that every notebook can import. */
  ownPackages: Iterable<string>;
}

/** Completions for a path in `from '...'`, `import('...')` or `require('...')`; null where the cursor is in none. */
export function completeImportPath(
  code: string,
  cursor: number,
  { cwd, ownPackages }: ImportPlaces,
): CompletionReply | null {
  const path = PATH_BEGUN.exec(code.slice(0, cursor))?.groups?.path;
  if (path === undefined) return null;
  const rest = /^[^'"`\n/]*(?=['"`])/.exec(code.slice(cursor))?.[0] ?? '';
  const isFile = /^\.{0,2}\//.test(path) || path === '.' || path === '..';
  const begun = isFile ? path.slice(path.lastIndexOf('/') + 1) : path;
  const candidates = isFile
    ? filesIn(resolve(cwd, path.slice(0, path.lastIndexOf('/') + 1)))
    : [...packages(cwd, ownPackages), ...subpaths(cwd, path)];
  const matching = unique(candidates).filter(({ text }) => text.startsWith(begun));
  return {
    matches: matching.map(({ text }) => text),
    kinds: matching.map(({ kind }) => kind),
    start: cursor - begun.length,
    end: cursor + rest.length,
  };
}

function filesIn(folder: string): Candidate[] {
  return entriesOf(folder).flatMap((entry): Candidate[] => {
    if (entry.name.startsWith('.') || entry.name === 'node_modules') return [];
    if (entry.isDirectory()) return [{ text: `${entry.name}/`, kind: 'directory' }];
    if (SOURCE.test(entry.name)) return [{ text: entry.name.replace(SOURCE, ''), kind: 'script' }];
    return NAMED.test(entry.name) ? [{ text: entry.name, kind: 'script' }] : [];
  });
}

function packages(cwd: string, ownPackages: Iterable<string>): Candidate[] {
  const names = [...ownPackages, ...builtinModules.filter((name) => !name.startsWith('_'))];
  for (const name of builtinModules) if (!/^(_|node:)/.test(name)) names.push(`node:${name}`);
  for (const folder of foldersAbove(cwd)) {
    const modules = join(folder, 'node_modules');
    for (const { name } of entriesOf(modules)) {
      if (name.startsWith('@')) {
        for (const inner of entriesOf(join(modules, name))) names.push(`${name}/${inner.name}`);
      } else if (!name.startsWith('.')) names.push(name);
    }
  }
  return names.sort().map((text) => ({ text, kind: 'external module name' }));
}

/** What a package offers below its own name: the keys of its `exports`, or else its files. */
function subpaths(cwd: string, path: string): Candidate[] {
  const name = /^(@[^/]+\/)?[^@/][^/]*(?=\/)/.exec(path)?.[0];
  if (!name) return [];
  for (const folder of foldersAbove(cwd)) {
    const found = join(folder, 'node_modules', name);
    const manifest = readJson(join(found, 'package.json'));
    if (!manifest) continue;
    if (manifest.exports && typeof manifest.exports === 'object') {
      return Object.keys(manifest.exports)
        .filter((key) => key.startsWith('./') && !/\*|^\.\/package\.json$/.test(key))
        .map((key) => ({ text: `${name}${key.slice(1)}`, kind: 'external module name' }));
    }
    const inside = path.slice(name.length + 1, path.lastIndexOf('/') + 1);
    return filesIn(join(found, inside)).map(({ text, kind }) => ({
      text: `${name}/${inside}${text}`,
      kind,
    }));
  }
  return [];
}

function* foldersAbove(folder: string): Generator<string> {
  for (let current = folder; ; current = dirname(current)) {
    yield current;
    if (current === dirname(current)) return;
  }
}

function unique(candidates: Candidate[]): Candidate[] {
  return [...new Map(candidates.map((candidate) => [candidate.text, candidate])).values()];
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

function readJson(file: string): { exports?: unknown } | null {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as { exports?: unknown };
  } catch {
    return null;
  }
}
