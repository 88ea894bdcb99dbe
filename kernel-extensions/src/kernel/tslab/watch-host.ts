import { isBuiltin } from 'node:module';
import type ts from 'typescript';
import { modifiedAt } from '../engine/modules/module-files';

type TypeScript = typeof ts;

/** What the host of tslab's program asks of the kernel. */
export interface CellHostOptions {
  cwd: string;
  /** What a module is called for the compiler: `npm:` and import maps resolved. */
  mapSpecifier(specifier: string, importer: string): string;
  /** Declarations of modules that the kernel itself provides: specifier -> file. */
  providedTypes: ReadonlyMap<string, string>;
  /** The syntax tree of a file that was read before this process began. */
  preparedSource(
    path: string,
    options: ts.ScriptTarget | ts.CreateSourceFileOptions,
  ): ts.SourceFile | undefined;
}

interface WatchedFile {
  changed: ts.FileWatcherCallback;
  time: number;
}

/** Where the parser keeps comments that speak to the compiler. */
type WithPragmas = ts.SourceFile & { pragmas: unknown };

/** The files of the program that are the cell itself and the declarations before it. */
const CELL_FILE = /\/__(tslab|prev)__(\.d)?\.ts$/;
const SOURCE_CELL = /\/__tslab__\.ts$/;

const NODE_TYPES = /\/node_modules\/@types\/node\//;

/** What tslab ends a cell with, where names that begin with two underscores have three. */
const EXPORTS = /\nexport \{[^}]*\}$/;
const withPlainNames = (list: string) => list.replace(/(?<![\w$])_(?=__)/g, '');

/**
 * Makes tslab's program one of cells: files are looked at when a cell is compiled, instead of being
 * watched; modules are found anew for each cell, by the kernel's rules; a cell may hold JSX.
 */
export class CellHost {
  private readonly files = new Map<string, WatchedFile>();
  private resolutions: ts.ModuleResolutionCache | undefined;
  private anyMissing = false;
  private findAnew = false;

  constructor(
    private readonly typescript: TypeScript,
    private readonly options: CellHostOptions,
  ) {}

  /** Tells the program which files have changed; called before a cell is compiled. */
  refresh(): void {
    const { Changed, Deleted } = this.typescript.FileWatcherEventKind;
    for (const [path, file] of this.files) {
      const time = modifiedAt(path);
      if (time === file.time) continue;
      file.time = time;
      file.changed(path, time === 0 ? Deleted : Changed);
    }
    this.findAnew = this.anyMissing;
    if (this.anyMissing) this.resolutions?.clear();
    this.anyMissing = false;
  }

  /** Changes a host that tslab is about to give to the compiler. */
  adapt<Host extends ts.WatchCompilerHostOfFilesAndCompilerOptions<ts.BuilderProgram>>(
    host: Host,
  ): Host {
    const watchFile = host.watchFile.bind(host);
    host.watchFile = (path, changed, ...rest) => {
      if (CELL_FILE.test(path)) return watchFile(path, changed, ...rest);
      if (path.includes('/node_modules/')) return { close: () => {} };
      this.files.set(path, { changed, time: modifiedAt(path) });
      return { close: () => this.files.delete(path) };
    };
    const readFile = host.readFile.bind(host);
    host.readFile = (path, encoding) => {
      const text = readFile(path, encoding);
      return SOURCE_CELL.test(path) ? text?.replace(EXPORTS, withPlainNames) : text;
    };
    host.watchDirectory = () => ({ close: () => {} });
    host.resolveModuleNameLiterals = (literals, importer, redirected, options, source) =>
      literals.map((literal) => this.resolve(host, literal, importer, redirected, options, source));
    // Else the compiler takes every file for changed and builds the program from nothing for each cell.
    host.hasInvalidatedResolutions = () => this.findAnew;
    this.readCells(host);
    limitEmission(host);
    return host;
  }

  private resolve(
    host: ts.ModuleResolutionHost,
    literal: ts.StringLiteralLike,
    importer: string,
    redirected: ts.ResolvedProjectReference | undefined,
    options: ts.CompilerOptions,
    source: ts.SourceFile,
  ): ts.ResolvedModuleWithFailedLookupLocations {
    const provided = this.options.providedTypes.get(literal.text);
    if (provided !== undefined) {
      return {
        resolvedModule: {
          resolvedFileName: provided,
          extension: '.d.ts',
          isExternalLibraryImport: true,
        },
      };
    }
    // Node's declarations mean each other by Node's names: nothing on disk is meant.
    if (isBuiltin(literal.text) && NODE_TYPES.test(importer)) return { resolvedModule: undefined };
    this.resolutions ??= this.typescript.createModuleResolutionCache(
      this.options.cwd,
      (name) => name,
      options,
    );
    const resolved = this.typescript.resolveModuleName(
      this.options.mapSpecifier(literal.text, importer),
      importer,
      options,
      host,
      this.resolutions,
      redirected,
      this.typescript.getModeForUsageLocation(source, literal, options),
    );
    // What may yet appear: not Node's own modules, nor what an installed package left out.
    const mayAppear = !isBuiltin(literal.text) && !importer.includes('/node_modules/');
    if (!resolved.resolvedModule && mayAppear) this.anyMissing = true;
    return resolved;
  }

  /** Parses a cell as JSX where it cannot be parsed otherwise, and takes what is prepared. */
  private readCells(host: ts.WatchCompilerHostOfFilesAndCompilerOptions<ts.BuilderProgram>): void {
    const { createProgram } = host;
    const parsed = new WeakMap<ts.SourceFile, ts.SourceFile>();
    const asJsx = (file: ts.SourceFile): ts.SourceFile => {
      const known = parsed.get(file);
      if (known) return known;
      const { createSourceFile, ScriptKind, ScriptTarget } = this.typescript;
      const jsx = createSourceFile(
        file.fileName,
        file.text,
        ScriptTarget.ES2022,
        true,
        ScriptKind.TSX,
      );
      // `@jsx` and the like count at the top of a file, which tslab puts a line before.
      const own = file.text.slice(file.text.indexOf('\n') + 1);
      const { pragmas } = createSourceFile('cell.tsx', own, ScriptTarget.ES2022) as WithPragmas;
      Object.assign(jsx, { pragmas });
      const chosen = errorsOf(jsx) < errorsOf(file) ? jsx : file;
      Object.assign(chosen, { version: (file as { version?: string }).version });
      parsed.set(file, chosen);
      return chosen;
    };
    host.createProgram = (roots, options, compilerHost, ...rest) => {
      if (!compilerHost) return createProgram(roots, options, compilerHost, ...rest);
      const read = compilerHost.getSourceFile.bind(compilerHost);
      const readByPath = compilerHost.getSourceFileByPath?.bind(compilerHost);
      const cell = (file: ts.SourceFile | undefined) =>
        file && SOURCE_CELL.test(file.fileName) && errorsOf(file) > 0 ? asJsx(file) : file;
      const forCells: ts.CompilerHost = Object.create(compilerHost) as ts.CompilerHost;
      const { preparedSource } = this.options;
      forCells.getSourceFile = (name, version, ...more) =>
        preparedSource(name, version) ?? cell(read(name, version, ...more));
      if (readByPath) {
        forCells.getSourceFileByPath = (name, path, version, ...more) =>
          preparedSource(name, version) ?? cell(readByPath(name, path, version, ...more));
      }
      return createProgram(roots, options, forCells, ...rest);
    };
  }
}

/** tslab emits what a cell imports, too; the kernel's own loader does that. */
function limitEmission(host: ts.WatchCompilerHostOfFilesAndCompilerOptions<ts.BuilderProgram>) {
  let created: typeof host.afterProgramCreate;
  Object.defineProperty(host, 'afterProgramCreate', {
    get: () => (program: ts.BuilderProgram) => {
      const limited = Object.create(program) as ts.BuilderProgram;
      limited.getAllDependencies = (file) => [file.fileName];
      created?.(limited);
    },
    set: (callback: typeof created) => (created = callback),
  });
}

function errorsOf(file: ts.SourceFile): number {
  return (file as ts.SourceFile & { parseDiagnostics: unknown[] }).parseDiagnostics.length;
}
