import { existsSync, readFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { findModuleFile } from './module-files';

/** Servers of npm's packages as modules, and the part of their addresses that names a package. */
const PACKAGE_SERVERS =
  /^https?:\/\/(?:esm\.sh|cdn\.skypack\.dev|esm\.run|unpkg\.com|cdn\.jsdelivr\.net\/npm|deno\.land\/x\/esm)\/(?:v\d+\/|stable\/)?([^?#]+)/;

/** A package's name, its version, and the path in it. */
const PACKAGE = /^\/?((?:@[^/@]+\/)?[^/@]+)(?:@([^/]*))?(\/.*)?$/;

interface ImportMap {
  /** Folder that its relative targets start from. */
  folder: string;
  imports: Record<string, string>;
}

/**
 * What an import in a notebook means to Node: import maps of deno.json, `npm:` and `jsr:` and the
 * addresses of npm's packages on module servers lead to installed packages, `paths` of a tsconfig.json
 * to files.
 */
export class ModuleNames {
  private readonly map: ImportMap;
  /** What is wrong with the import map, to be shown to the user. */
  readonly problems: string[] = [];

  /** @param options of the tsconfig.json near the notebook */
  constructor(
    private readonly cwd: string,
    private readonly options: ts.CompilerOptions = {},
  ) {
    this.map = this.readImportMap();
  }

  /** The name, the absolute path or the builtin that a specifier stands for. */
  resolve(specifier: string): string {
    const target = this.inImportMap(specifier) ?? this.inPaths(specifier) ?? specifier;
    if (target.startsWith('file:')) return fileURLToPath(target);
    if (target.startsWith('npm:')) return packagePath(target.slice('npm:'.length)).path;
    if (target.startsWith('jsr:')) return this.jsrPath(target.slice('jsr:'.length));
    const served = PACKAGE_SERVERS.exec(target);
    return served ? packagePath(served[1]).path : target;
  }

  /** Why a module was not found and what helps, or null when that is not known. */
  explainMissing(specifier: string, name: string): string | null {
    const target = this.inImportMap(specifier) ?? specifier;
    const quoted = JSON.stringify(specifier);
    if (/^https?:/.test(name)) {
      return `Cannot import ${quoted} as modules from the web must be installed as packages first: current value is an address that names no npm package`;
    }
    if (/^[./]/.test(name) || isAbsolute(name) || isBuiltin(name)) return null;
    const install = target.startsWith('jsr:')
      ? `npx jsr add ${packagePath(target.slice('jsr:'.length)).name}`
      : `npm install ${installName(target, name)}`;
    return `Cannot import ${quoted} as its package must be installed: run "${install}" in ${this.cwd}`;
  }

  /** The import map of the nearest deno.json, deno.jsonc or import_map.json; what cannot be read of it is a problem. */
  private readImportMap(): ImportMap {
    const file = findImportMap(this.cwd);
    if (file === null) return { folder: this.cwd, imports: {} };
    try {
      const { imports, importMap } = readJson(file);
      const place = importMap === undefined ? file : resolve(dirname(file), String(importMap));
      const found = importMap === undefined ? imports : readJson(place).imports;
      return { folder: dirname(place), imports: this.targets(place, found) };
    } catch (error) {
      this.problems.push((error as Error).message);
      return { folder: this.cwd, imports: {} };
    }
  }

  private targets(file: string, imports: unknown = {}): Record<string, string> {
    const wrong = (rule: string, value: unknown) =>
      this.problems.push(
        `Cannot use the import map ${file} as ${rule}: current value is ${JSON.stringify(value)}`,
      );
    if (typeof imports !== 'object' || imports === null || Array.isArray(imports)) {
      wrong('its imports must be an object', imports);
      return {};
    }
    const targets: Record<string, string> = {};
    for (const [name, target] of Object.entries(imports)) {
      if (typeof target === 'string') targets[name] = target;
      else wrong(`${JSON.stringify(name)} must be a text`, target);
    }
    return targets;
  }

  private inImportMap(specifier: string): string | undefined {
    const { imports, folder } = this.map;
    const prefixes = Object.keys(imports)
      .filter((key) => key === specifier || (key.endsWith('/') && specifier.startsWith(key)))
      .sort((a, b) => b.length - a.length);
    if (prefixes.length === 0) return undefined;
    const target = imports[prefixes[0]] + specifier.slice(prefixes[0].length);
    return /^\.{0,2}\//.test(target) ? resolve(folder, target) : target;
  }

  private inPaths(specifier: string): string | undefined {
    const { paths, baseUrl, pathsBasePath } = this.options;
    if (!paths || /^\.{0,2}\//.test(specifier)) return undefined;
    const base = baseUrl ?? (pathsBasePath as string | undefined) ?? this.cwd;
    for (const [pattern, targets] of Object.entries(paths)) {
      const [before, after] = pattern.split('*', 2);
      const isExact = after === undefined && specifier === pattern;
      const fits = after !== undefined && specifier.startsWith(before) && specifier.endsWith(after);
      if (!isExact && !fits) continue;
      const rest = isExact ? '' : specifier.slice(before.length, specifier.length - after.length);
      for (const target of targets) {
        const file = findModuleFile(resolve(base, target.replace('*', rest)));
        if (file) return file;
      }
    }
    return undefined;
  }

  /** JSR's packages come through npm as `@jsr/scope__name`, under their own names or under that one. */
  private jsrPath(target: string): string {
    const { name, path } = packagePath(target);
    const asNpm = `@jsr/${name.replace(/^@/, '').replace('/', '__')}`;
    const isInstalled = createRequire(join(this.cwd, 'notebook.js'))
      .resolve.paths(asNpm)
      ?.some((folder) => existsSync(join(folder, asNpm)));
    return isInstalled ? asNpm + path.slice(name.length) : path;
  }
}

/** `@scope/name@1.2/sub` without its version. */
function packagePath(target: string): { name: string; version: string; path: string } {
  const [, name = target, version = '', rest = ''] = PACKAGE.exec(target) ?? [];
  return { name, version, path: name + rest };
}

function installName(target: string, name: string): string {
  if (!target.startsWith('npm:')) return packagePath(name).name;
  const { name: own, version } = packagePath(target.slice('npm:'.length));
  return version === '' ? own : `${own}@${version}`;
}

function findImportMap(cwd: string): string | null {
  for (let folder = cwd; ; folder = dirname(folder)) {
    for (const name of ['deno.json', 'deno.jsonc', 'import_map.json']) {
      if (existsSync(join(folder, name))) return join(folder, name);
    }
    if (folder === dirname(folder)) return null;
  }
}

function readJson(file: string): { imports?: unknown; importMap?: unknown } {
  const text = readText(file);
  const { config, error } = ts.parseConfigFileTextToJson(file, text);
  if (!error) return (config ?? {}) as ReturnType<typeof readJson>;
  const reason = ts.flattenDiagnosticMessageText(error.messageText, '\n');
  throw new Error(`Cannot read ${file} as it must be JSON: ${reason}`);
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(
      `Cannot read the import map ${file} as it must be a file: ${(error as Error).message}`,
      { cause: error },
    );
  }
}
