import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { constants, Script } from 'node:vm';

/** What require() says of a module that only import() can load. */
const NEEDS_IMPORT = new Set([
  'ERR_REQUIRE_ESM',
  'ERR_REQUIRE_ASYNC_MODULE',
  'ERR_PACKAGE_PATH_NOT_EXPORTED',
]);

/** Loads modules for cells: by require() where that works, else by Node's import(). */
export class ModuleLoader {
  /** `import.meta` of a cell. */
  readonly meta: { url: string; filename: string; dirname: string };
  /** Modules that require() cannot load, in the form that compiled imports expect. */
  private readonly imported = new Map<string, object>();
  private readonly importNatively: (specifier: string) => Promise<object>;

  /** @param ownPackages folders of packages that are loaded from beside the kernel. */
  constructor(
    cwd: string,
    private readonly ownPackages: ReadonlyMap<string, string>,
  ) {
    const filename = join(cwd, 'notebook.ts');
    this.meta = { url: pathToFileURL(filename).href, filename, dirname: cwd };
    // A script's own import() resolves from the file it claims to be: the notebook's folder.
    const script = new Script('(specifier) => import(specifier)', {
      filename,
      importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    });
    this.importNatively = script.runInThisContext() as typeof this.importNatively;
  }

  /** Loads what a cell imports statically and require() cannot load. */
  async preload(specifiers: Iterable<string>, require: NodeJS.Require): Promise<void> {
    for (const specifier of specifiers) {
      if (isBuiltin(specifier) || this.imported.has(specifier)) continue;
      try {
        require(this.fileOf(specifier));
      } catch (error) {
        if (!needsImport(error)) throw error;
        this.imported.set(specifier, asCompiledModule(await this.importNatively(specifier)));
      }
    }
  }

  /** A require() that also knows the preloaded modules. */
  requireFor(require: NodeJS.Require): NodeJS.Require {
    return new Proxy(require, {
      apply: (target, self, [specifier, ...rest]) =>
        this.imported.get(specifier) ??
        Reflect.apply(target, self, [this.fileOf(specifier), ...rest]),
    });
  }

  /** `import(specifier)` in a cell: TypeScript files beside the notebook, packages, URLs. */
  async import(specifier: string, require: NodeJS.Require): Promise<object> {
    const isSource = /^\.{0,2}\//.test(specifier) && !/\.(mjs|mts|js)$/.test(specifier);
    if (isSource || this.ownPackages.has(specifier)) {
      return namespaceOf(require(specifier));
    }
    return this.importNatively(specifier);
  }

  /** What to ask require() for: tslab knows TypeScript files by their names without ending. */
  private fileOf(specifier: string): string {
    if (/^\.{0,2}\//.test(specifier)) return specifier.replace(/\.tsx?$/, '');
    return this.ownPackages.get(specifier) ?? specifier;
  }
}

function needsImport(error: unknown): boolean {
  return NEEDS_IMPORT.has((error as NodeJS.ErrnoException)?.code ?? '');
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
