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
  /** Source files that it imports. */
  uses: Set<string>;
  /** Settles when it has run; null once it has. */
  done: Promise<void> | null;
}

/** How source files reach modules of other kinds. */
export interface SourceSurroundings {
  typescript: typeof ts;
  compilerOptions: ts.CompilerOptions;
  /** Values that source files find as if they were global. */
  globals: ReadonlyMap<string, unknown>;
  require(from: string): NodeJS.Require;
  import(specifier: string, from: string): Promise<object>;
  /** Loads what a file imports; resolves with the source files among it. */
  preload(specifiers: string[], from: string, importers: readonly string[]): Promise<Set<string>>;
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
      this.modules.delete(path);
      throw error;
    }
    module.done = null;
    return module.exports;
  }

  /** Loads a file for require(). */
  require(path: string, importer: string): object {
    this.modules.get(importer)?.uses.add(path);
    const known = this.current(path);
    if (known) return known.exports;
    const module = this.open(path);
    try {
      if (module.compiled.isAsync) {
        throw new Error(`Cannot require ${path} as it must not await at top level: import it`);
      }
      this.run(path, module);
    } catch (error) {
      this.modules.delete(path);
      throw error;
    }
    return module.exports;
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
    const module: SourceModule = { exports: {}, time, compiled, uses: new Set(), done: null };
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
    if (module.done || !this.isStale(path, new Set())) return module;
    this.modules.delete(path);
    return undefined;
  }

  private isStale(path: string, seen: Set<string>): boolean {
    if (seen.has(path)) return false;
    seen.add(path);
    const module = this.modules.get(path);
    if (!module) return true;
    if (!this.virtual.has(path) && modifiedAt(path) !== module.time) return true;
    return [...module.uses].some((used) => this.isStale(used, seen));
  }
}
