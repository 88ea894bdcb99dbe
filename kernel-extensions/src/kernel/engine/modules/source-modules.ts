import type { SourceMap } from 'node:module';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import type ts from 'typescript';
import { modifiedAt } from './module-files';
import { type CompiledSource, compileSource, readSource } from './source-compiler';

interface SourceModule {
  exports: object;
  time: number;
  compiled: CompiledSource;
  /** Files that it imports. */
  uses: ImportedFiles;
  /** Settles when it has run; null where nobody waits for that. */
  done: Promise<void> | null;
  hasRun: boolean;
}

/** What a module imports by path, of what may be edited. */
export interface ImportedFiles {
  /** Files that are compiled here. */
  sources: Set<string>;
  /** Files that Node loads, and when they were changed. */
  native: Map<string, number>;
}

/** How source files reach modules of other kinds. */
export interface SourceSurroundings {
  typescript: typeof ts;
  compilerOptions: ts.CompilerOptions;
  /** Values that source files find as if they were global. */
  globals: ReadonlyMap<string, unknown>;
  require(from: string): NodeJS.Require;
  import(specifier: string, from: string): Promise<object>;
  /** Loads what a file imports; resolves with the files among it. */
  preload(specifiers: string[], from: string, importers: readonly string[]): Promise<ImportedFiles>;
  positions: { addFile(path: string, map: SourceMap): void };
}

/**
 * TypeScript files that cells import, and files that these import. A file runs again when it is imported
 * after it, or one that it imports, was edited.
 */
export class SourceModules {
  private readonly modules = new Map<string, SourceModule>();
  /** Modules that cells define by `@module`: path -> text. */
  private readonly virtual = new Map<string, string>();

  constructor(private readonly surroundings: SourceSurroundings) {}

  /** Defines a file that only cells know. */
  define(path: string, text: string): void {
    this.virtual.set(path, text);
    this.modules.delete(path);
  }

  isDefined(path: string): boolean {
    return this.virtual.has(path);
  }

  /**
   * Loads a file for import.
   *
   * @param importers files that are waiting for this one: in a cycle they take what there is
   */
  async load(path: string, importers: readonly string[] = []): Promise<object> {
    const known = this.current(path);
    if (known) {
      if (!importers.includes(path)) await known.done;
      return known.exports;
    }
    const module = this.open(path);
    module.done = this.runWithImports(path, module, [...importers, path]);
    try {
      await module.done;
    } catch (error) {
      this.forget(path, module);
      throw error;
    }
    module.done = null;
    module.hasRun = true;
    return module.exports;
  }

  /** Loads a file for require(). */
  require(path: string, importer: string): object {
    this.modules.get(importer)?.uses.sources.add(path);
    const known = this.current(path);
    if (known) return known.exports;
    const module = this.open(path);
    try {
      if (module.compiled.isAsync) {
        throw new Error(`Cannot require ${path} as it must not await at top level: import it`);
      }
      this.run(path, module);
    } catch (error) {
      this.forget(path, module);
      throw error;
    }
    module.hasRun = true;
    return module.exports;
  }

  /** Forgets the files that have not run to their end: an interrupt may have stopped them, and they never will. */
  abandonUnfinished(): void {
    for (const [path, { hasRun }] of this.modules) if (!hasRun) this.modules.delete(path);
  }

  private forget(path: string, module: SourceModule): void {
    if (this.modules.get(path) === module) this.modules.delete(path);
  }

  private async runWithImports(
    path: string,
    module: SourceModule,
    importers: readonly string[],
  ): Promise<void> {
    const { preload } = this.surroundings;
    module.uses = await preload(module.compiled.imports, path, importers);
    await this.run(path, module);
  }

  private open(path: string): SourceModule {
    const { typescript, compilerOptions, positions, globals } = this.surroundings;
    const compiled = compileSource(
      typescript,
      path,
      this.virtual.get(path) ?? readSource(path),
      compilerOptions,
      [...globals.keys()],
      (map) => positions.addFile(path, map),
    );
    const time = modifiedAt(path);
    const uses = { sources: new Set<string>(), native: new Map<string, number>() };
    const module: SourceModule = { exports: {}, time, compiled, uses, done: null, hasRun: false };
    this.modules.set(path, module);
    return module;
  }

  private run(path: string, module: SourceModule): unknown {
    const { require, globals } = this.surroundings;
    const folder = dirname(path);
    const runtime = {
      import: (specifier: string) => this.surroundings.import(specifier, path),
      meta: { url: pathToFileURL(path).href, filename: path, dirname: folder },
    };
    const { run } = module.compiled;
    return run(module.exports, require(path), module, path, folder, runtime, ...globals.values());
  }

  /** A loaded module, unless it or one that it uses was edited since. */
  private current(path: string): SourceModule | undefined {
    const module = this.modules.get(path);
    if (!module) return undefined;
    if (!this.isStale(path, new Set())) return module;
    this.modules.delete(path);
    return undefined;
  }

  private isStale(path: string, seen: Set<string>): boolean {
    if (seen.has(path)) return false;
    seen.add(path);
    const module = this.modules.get(path);
    if (!module) return true;
    if (!this.virtual.has(path) && modifiedAt(path) !== module.time) return true;
    const { sources, native } = module.uses;
    if ([...native].some(([used, time]) => modifiedAt(used) !== time)) return true;
    return [...sources].some((used) => this.isStale(used, seen));
  }
}
