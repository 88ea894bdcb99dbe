import { createRequire, isBuiltin, type SourceMap } from 'node:module';
import { dirname, extname, isAbsolute, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { constants, Script } from 'node:vm';
import type ts from 'typescript';
import { findModuleFile, isEsModule, isInModulePackage, modifiedAt } from './module-files';
import type { ModuleNames } from './module-names';
import { readSource } from './source-compiler';
import { type ImportedFiles, SourceModules } from './source-modules';

/** What require() says of a module that only import() can load. */
const NEEDS_IMPORT = new Set([
  'ERR_REQUIRE_ESM',
  'ERR_REQUIRE_ASYNC_MODULE',
  'ERR_PACKAGE_PATH_NOT_EXPORTED',
]);
/** What Node says of a module that it does not find. */
const MISSING = new Set([
  'MODULE_NOT_FOUND',
  'ERR_MODULE_NOT_FOUND',
  'ERR_UNSUPPORTED_ESM_URL_SCHEME',
]);

const ES_SYNTAX = /^\s*(import|export)\b/m;

export interface ModuleLoaderOptions {
  cwd: string;
  typescript: typeof ts;
  compilerOptions: ts.CompilerOptions;
  names: ModuleNames;
  /** Folders of packages that are loaded from beside the kernel. */
  ownPackages: ReadonlyMap<string, string>;
  /** Modules that the kernel itself is: name -> module. */
  provided: ReadonlyMap<string, () => unknown>;
  /** Values that source files find as if they were global. */
  globals: ReadonlyMap<string, unknown>;
  positions: { addFile(path: string, map: SourceMap): void };
  /** Holds off interrupts while Node imports a module; it does so by itself for what is required. */
  whileLoading<T>(work: () => Promise<T>): Promise<T>;
}

/** A module as the loader goes about it. */
type Located =
  | { kind: 'provided'; load: () => unknown }
  | { kind: 'source'; path: string }
  | { kind: 'native'; name: string; path?: string };

/** Loads modules for cells, and for source files that cells import. */
export class ModuleLoader {
  /** `import.meta` of a cell. */
  readonly meta: { url: string; filename: string; dirname: string; resolve(name: string): string };
  /** The file that cells import from; it need not exist. */
  readonly notebook: string;
  readonly names: ModuleNames;
  private readonly sources: SourceModules;
  /**
   * Modules that require() cannot load, in the form that compiled imports expect, and when their files were changed:
   * by path, or by importer's folder and name.
   */
  private readonly imported = new Map<string, { module: object; time: number }>();
  private readonly importers = new Map<string, (name: string) => Promise<object>>();
  private readonly requires = new Map<string, NodeJS.Require>();
  /** When files were changed as they were loaded first, and last. */
  private readonly loadedAt = new Map<string, { first: number; last: number }>();

  constructor(private readonly options: ModuleLoaderOptions) {
    const { cwd, names } = options;
    this.names = names;
    this.notebook = join(cwd, 'notebook.ts');
    this.meta = {
      url: pathToFileURL(this.notebook).href,
      filename: this.notebook,
      dirname: cwd,
      resolve: (name) => this.resolveUrl(name),
    };
    this.sources = new SourceModules({
      ...options,
      require: (from) => this.require(from),
      import: (specifier, from) => this.import(specifier, from),
      preload: (specifiers, from, importers) => this.preload(specifiers, from, importers),
    });
  }

  /** An interrupt has stopped a cell: what did not load to its end is loaded anew. */
  abandonUnfinished(): void {
    this.sources.abandonUnfinished();
  }

  /** Defines a module that cells import as `./name`. */
  define(name: string, ending: '.ts' | '.tsx', text: string): void {
    this.sources.define(join(this.options.cwd, name + ending), text);
  }

  /** Loads what is imported statically, so that require() has it; resolves with the files among it. */
  async preload(
    specifiers: Iterable<string>,
    from = this.notebook,
    importers: readonly string[] = [],
  ): Promise<ImportedFiles> {
    const files: ImportedFiles = { sources: new Set(), native: new Map() };
    for (const specifier of specifiers) {
      const located = this.locate(specifier, from);
      if (located.kind === 'source') {
        files.sources.add(located.path);
        await this.sources.load(located.path, importers);
      } else if (located.kind === 'native') {
        if (located.path !== undefined) files.native.set(located.path, modifiedAt(located.path));
        await this.preloadNative(specifier, located, from);
      }
    }
    return files;
  }

  /** A require() for code in the notebook, or in a source file. */
  require(from = this.notebook): NodeJS.Require {
    const known = this.requires.get(from);
    if (known) return known;
    const require = new Proxy(createRequire(from), {
      apply: (_target, _self, [specifier]: [string]) => {
        const located = this.locate(specifier, from);
        if (located.kind === 'provided') return located.load();
        if (located.kind === 'source') return this.sources.require(located.path, from);
        return (
          this.imported.get(keyOf(located, from))?.module ??
          this.requireNative(specifier, located, from)
        );
      },
    });
    this.requires.set(from, require);
    return require;
  }

  /** `import(specifier)` in the notebook, or in a source file. */
  async import(specifier: string, from = this.notebook): Promise<object> {
    const located = this.locate(String(specifier), from);
    if (located.kind === 'provided') return namespaceOf(located.load());
    if (located.kind === 'source') return namespaceOf(await this.sources.load(located.path));
    if (this.options.ownPackages.has(specifier) || located.path?.endsWith('.json')) {
      return namespaceOf(this.requireNative(specifier, located, from));
    }
    return this.importNatively(specifier, located, from);
  }

  private locate(specifier: string, from: string): Located {
    const { names, provided, ownPackages } = this.options;
    const load = provided.get(specifier);
    if (load) return { kind: 'provided', load };
    const name = names.resolve(specifier);
    const isPath = /^\.{0,2}(\/|$)/.test(name) || isAbsolute(name);
    if (!isPath) return { kind: 'native', name: ownPackages.get(name) ?? name };
    const asked = resolve(dirname(from), name);
    const virtual = ['', '.ts', '.tsx'].map((ending) => asked + ending);
    const path = virtual.find((one) => this.sources.isDefined(one)) ?? findModuleFile(asked);
    if (path === null) return { kind: 'native', name: isAbsolute(name) ? asked : name };
    return this.isSource(path) ? { kind: 'source', path } : { kind: 'native', name: path, path };
  }

  /** Whether Node cannot load a file: TypeScript, or an ES module in a package of CommonJS. */
  private isSource(path: string): boolean {
    if (this.sources.isDefined(path) || /\.([cm]?ts|tsx|jsx)$/.test(path)) return true;
    if (extname(path) !== '.js' || path.includes('/node_modules/')) return false;
    return !isInModulePackage(path) && ES_SYNTAX.test(readSource(path));
  }

  private async preloadNative(
    specifier: string,
    located: Located & { kind: 'native' },
    from: string,
  ): Promise<void> {
    const { name, path } = located;
    if (isBuiltin(name)) return;
    const key = keyOf(located, from);
    const time = path === undefined ? 0 : modifiedAt(path);
    if (this.imported.get(key)?.time === time) return;
    // Node's require() keeps an ES module for good.
    if (path === undefined || !isEsModule(path)) {
      try {
        this.requireNative(specifier, located, from);
        return;
      } catch (error) {
        if (!NEEDS_IMPORT.has(codeOf(error))) throw error;
      }
    }
    const module = asCompiledModule(await this.importNatively(specifier, located, from));
    this.imported.set(key, { module, time });
  }

  private requireNative(
    specifier: string,
    located: Located & { kind: 'native' },
    from: string,
  ): unknown {
    const { name, path } = located;
    if (path !== undefined) this.noticeEdit(path);
    try {
      return createRequire(from)(name) as unknown;
    } catch (error) {
      throw this.explained(error, specifier, name);
    }
  }

  private async importNatively(
    specifier: string,
    located: Located & { kind: 'native' },
    from: string,
  ): Promise<object> {
    const { name, path } = located;
    let url = name;
    if (path !== undefined) {
      const { first, last } = this.noticeEdit(path);
      // Node keeps what it has loaded, by address.
      url = pathToFileURL(path).href + (last === first ? '' : `?changed=${last}`);
    }
    try {
      return await this.options.whileLoading(() => this.importerFor(dirname(from))(url));
    } catch (error) {
      throw this.explained(error, specifier, name);
    }
  }

  /** A script's own import() resolves from the file it claims to be. */
  private importerFor(folder: string): (name: string) => Promise<object> {
    const known = this.importers.get(folder);
    if (known) return known;
    const script = new Script('(specifier) => import(specifier)', {
      filename: join(folder, 'notebook.ts'),
      importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    });
    const importer = script.runInThisContext() as (name: string) => Promise<object>;
    this.importers.set(folder, importer);
    return importer;
  }

  /** When a file was changed as it was loaded first, and now; require() forgets one that was edited since it was loaded last. */
  private noticeEdit(path: string): { first: number; last: number } {
    const last = modifiedAt(path);
    const before = this.loadedAt.get(path);
    if (before && before.last !== last) delete createRequire(this.notebook).cache[path];
    const times = { first: before?.first ?? last, last };
    this.loadedAt.set(path, times);
    return times;
  }

  private explained(error: unknown, specifier: string, name: string): unknown {
    const isMissing = MISSING.has(codeOf(error)) && String(error).includes(name);
    const reason = isMissing && this.options.names.explainMissing(specifier, name);
    return reason ? Object.assign(new Error(reason), { code: codeOf(error) }) : error;
  }

  private resolveUrl(specifier: string): string {
    const located = this.locate(specifier, this.notebook);
    if (located.kind === 'provided') return specifier;
    if (located.kind === 'native' && isBuiltin(located.name)) return located.name;
    const path =
      located.path ?? createRequire(this.notebook).resolve((located as { name: string }).name);
    return pathToFileURL(path).href;
  }
}

function keyOf({ name, path }: Located & { kind: 'native' }, from: string): string {
  return path ?? `${dirname(from)}\0${name}`;
}

function codeOf(error: unknown): string {
  return String((error as NodeJS.ErrnoException | undefined)?.code ?? '');
}

/** A live view of an ES module's namespace that TypeScript's CommonJS helpers take for their own. */
function asCompiledModule(namespace: object): object {
  const module = Object.create(null, { __esModule: { value: true } });
  for (const name of Object.keys(namespace)) {
    const get = () => (namespace as Record<string, unknown>)[name];
    Object.defineProperty(module, name, { enumerable: true, get });
  }
  return module;
}

/** What import() gives for a CommonJS module: its properties, and the module itself as default. */
function namespaceOf(module: unknown): object {
  if ((module as { __esModule?: boolean })?.__esModule) return module as object;
  return { ...(module as object), default: module };
}
