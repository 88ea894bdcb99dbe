import { createRequire } from 'node:module';
import type ts from 'typescript';
import { signatureQuickInfo, type SignatureHelpSurface } from './tslab/signature-help';

/** A complaint of the compiler about a cell or a file it imports; lines and columns count from 0. */
export interface Diagnostic {
  start: { line: number; character: number };
  end: { line: number; character: number };
  messageText: string;
  code: number;
  /** Path from the notebook's folder, undefined for the cell itself. */
  fileName?: string;
}

interface Conversion {
  output?: string;
  declOutput?: string;
  diagnostics: Diagnostic[];
  hasToplevelAwait?: boolean;
  sideOutputs?: { path: string; data: string }[];
  lastExpressionVar?: string;
}

interface Converter {
  convert(declarations: string, source: string): Conversion;
  complete(declarations: string, source: string, position: number): TslabCompletion;
  inspect(declarations: string, source: string, position: number): ts.QuickInfo | undefined;
  addModule(name: string, source: string, meta: unknown): Diagnostic[];
  close(): void;
}

/** tslab's completion: candidates for the text from `start` to `end`. */
export interface TslabCompletion {
  start: number;
  end: number;
  candidates: string[];
  original?: ts.CompletionInfo;
}

interface Executor {
  execute(source: string): Promise<boolean>;
}

/** A cell that tslab has checked and emitted. */
export interface EmittedCell {
  /** An ES module with an inline source map; it ends with `export { every name it declares }`. */
  esModule: string;
  /** The constant that holds the value of the cell's last expression. */
  lastExpressionVar?: string;
  /** Declarations of all names that are visible after this cell. */
  declarations: string;
  /** A require() that knows the notebook's folder and its TypeScript files. */
  require: NodeJS.Require;
}

export interface TslabOptions {
  cwd: string;
  /** Compiler options on top of tslab's. */
  compilerOptions: ts.CompilerOptions;
  /** Folders of type declarations, searched after those near the notebook. */
  typeRoots: string[];
  /** Complaints with these codes do not stop a cell. */
  ignoredCodes: ReadonlySet<number>;
  /** Holds off interrupts while the compiler works. */
  whileCompiling<T>(work: () => T): T;
  /** Publishes what a cell shows through `import * as tslab from 'tslab'`. */
  display(content: TslabDisplay, update: boolean): void;
}

/** A display as tslab's own functions make it. */
export interface TslabDisplay {
  data: Record<string, unknown>;
  metadata: Record<string, unknown>;
  transient: { display_id?: string };
}

/** What tslab writes, by accident, where TypeScript gave it no declarations. */
const NO_DECLARATIONS = 'undefined';

/**
 * tslab 1.0.22's converter (TypeScript cell to JavaScript, with types across cells) and executor
 * (relative TypeScript files, order of steps): the only file that knows tslab. Two things are changed
 * from outside, before its modules load: compiler options, which it fixes, and the list of complaints.
 */
export class TslabAdapter {
  /** The compiler that tslab brings along (5.0.4). */
  readonly typescript: typeof ts;
  private readonly converter: Converter;
  private readonly executor: Executor;
  /** Declarations of the names that the cells so far have left. */
  private declarations = '';
  private esModule = '';
  private diagnostics: Diagnostic[] = [];
  private run: (cell: EmittedCell) => Promise<void> = async () => {};
  private emitted: Omit<EmittedCell, 'require'> | null = null;
  private readonly requireTslab: NodeJS.Require;

  constructor(private readonly options: TslabOptions) {
    this.requireTslab = createRequire(createRequire(__filename).resolve('tslab/package.json'));
    this.typescript = this.loadCompiler();
    const { createConverter } = this.requireTslab('./dist/converter.js');
    const { createExecutor } = this.requireTslab('./dist/executor.js');
    this.converter = createConverter({ isJS: false, isBrowser: false });
    this.executor = createExecutor(
      options.cwd,
      {
        node: {
          ...this.converter,
          convert: (_: string, source: string) => this.convert(source),
          addModule: (name: string, source: string, meta: unknown) =>
            (this.diagnostics = this.converter.addModule(name, source, meta)),
        },
      },
      { log: () => {}, error: () => {} },
    );
    const host = globalThis as { __tslab__?: { run?: (require: NodeJS.Require) => unknown } };
    if (host.__tslab__) {
      host.__tslab__.run = (require) =>
        this.run({ ...this.emitted!, require: this.withDisplays(require) });
    }
  }

  /**
   * Checks and emits a cell, then has `run` run it; returns the complaints that stopped it, if any.
   * `run` must not reject.
   */
  async execute(source: string, run: (cell: EmittedCell) => Promise<void>): Promise<Diagnostic[]> {
    this.diagnostics = [];
    this.run = run;
    await this.executor.execute(source);
    return this.diagnostics;
  }

  /** Makes the names that a cell declared visible to the cells after it. */
  adopt(declarations: string): void {
    this.declarations = declarations;
  }

  complete(source: string, position: number): TslabCompletion {
    return this.options.whileCompiling(() =>
      this.converter.complete(this.declarations, source, position),
    );
  }

  inspect(source: string, position: number): ts.QuickInfo | null {
    return this.options.whileCompiling(
      () => this.converter.inspect(this.declarations, source, position) ?? null,
    );
  }

  /** Compiles an empty cell, so that the first real one does not wait for the standard library. */
  warmUp(): void {
    this.options.whileCompiling(() => this.converter.convert('', '0'));
  }

  /** A require() that connects tslab's display functions to the kernel when a cell asks for tslab. */
  private withDisplays(require: NodeJS.Require): NodeJS.Require {
    return new Proxy(require, {
      apply: (target, self, [specifier, ...rest]) => {
        if (specifier === 'tslab') {
          const { display } = this.options;
          this.requireTslab('./dist/jupyter.js').lastWriteDisplayData = display;
        }
        return Reflect.apply(target, self, [specifier, ...rest]);
      },
    });
  }

  /** The converter, as the executor calls it: the output only tells it to run what was emitted. */
  private convert(source: string): Conversion {
    const conversion = this.options.whileCompiling(() =>
      this.converter.convert(this.declarations, source),
    );
    this.diagnostics = conversion.diagnostics;
    if (conversion.diagnostics.length > 0) return conversion;
    this.emitted = {
      esModule: this.esModule,
      lastExpressionVar: conversion.lastExpressionVar,
      declarations: this.completeDeclarations(conversion.declOutput ?? ''),
    };
    return {
      diagnostics: [],
      output: 'return __tslab__.run(require);',
      hasToplevelAwait: true,
      sideOutputs: conversion.sideOutputs,
      declOutput: '',
    };
  }

  /**
   * Where TypeScript cannot write declarations for a cell (an exported class expression with private
   * members, say) tslab puts the word "undefined" in their place: its names become `any`.
   */
  private completeDeclarations(declarations: string): string {
    if (!declarations.startsWith(NO_DECLARATIONS)) return declarations;
    const names = /export \{([^}]*)\};?\s*(?:\/\/#.*\s*)?$/.exec(this.esModule)?.[1] ?? '';
    const untyped = names
      .split(',')
      .filter((name) => name.trim() !== '')
      .map((name) => `declare let ${name.trim()}: any;\n`);
    return untyped.join('') + declarations.slice(NO_DECLARATIONS.length);
  }

  /** Loads tslab's compiler and puts a changed copy of it where tslab's modules will find it. */
  private loadCompiler(): typeof ts {
    const id = this.requireTslab.resolve('@tslab/typescript-for-tslab');
    const compiler = this.requireTslab(id) as Compiler;
    const changed: Partial<Compiler> = {
      createWatchCompilerHost: ((
        files: string[],
        options: ts.CompilerOptions,
        ...rest: never[]
      ) => {
        const typeRoots = [...(options.typeRoots ?? []), ...this.options.typeRoots];
        const merged = { ...options, ...this.options.compilerOptions, typeRoots };
        return watchHostForCells(
          compiler.createWatchCompilerHost(files, merged, ...(rest as unknown as [ts.System])),
        );
      }) as never,
      getPreEmitDiagnosticsOfFiles: (program, files) =>
        compiler
          .getPreEmitDiagnosticsOfFiles(program, files)
          .filter(({ code }) => !this.options.ignoredCodes.has(code)),
      getQuickInfoAtPosition: (file, checker, cancellation, position) =>
        compiler.getQuickInfoAtPosition(file, checker, cancellation, position) ??
        signatureQuickInfo(compiler, file, checker, cancellation, position),
      transpileModule: (text, options) => {
        this.esModule = text; // the cell itself is the last module that tslab transpiles
        return compiler.transpileModule(text, options);
      },
    };
    const loaded = this.requireTslab.cache[id];
    if (!loaded) throw new Error(`Cannot load tslab as its compiler must be in the cache: ${id}`);
    loaded.exports = { ...compiler, ...changed };
    return compiler;
  }
}

/** The part of tslab's fork that the public compiler does not have. */
type Compiler = typeof ts &
  SignatureHelpSurface & {
    getQuickInfoAtPosition(
      file: ts.SourceFile,
      checker: ts.TypeChecker,
      cancellation: ts.CancellationToken,
      position: number,
    ): ts.QuickInfo | undefined;
    getPreEmitDiagnosticsOfFiles(
      program: ts.Program,
      files: readonly ts.SourceFile[],
    ): ts.Diagnostic[];
  };

/** The compiler's function that forgets where packages were not found. */
const LOOKUP_TIMER = 'invalidateResolutionsOfFailedLookup';

/**
 * Installed packages do not change under a running notebook: not watching them saves hundreds of timers.
 *
 * tslab has one timer, for rebuilding a cell, and fails when another is asked for. The compiler asks for one more when a
 * file appears where it had looked for a package, as a run's log beside the notebook does: that one is Node's.
 */
function watchHostForCells<Host extends ts.WatchHost>(host: Host): Host {
  const watchFile = host.watchFile.bind(host);
  host.watchFile = (path, callback, ...rest) =>
    path.includes('/node_modules/') ? { close: () => {} } : watchFile(path, callback, ...rest);
  const startTimer = host.setTimeout?.bind(host);
  const stopTimer = host.clearTimeout?.bind(host);
  const lookups = new Set<unknown>();
  host.setTimeout = (callback, ms, ...rest) => {
    if (callback.name !== LOOKUP_TIMER) return startTimer?.(callback, ms, ...rest);
    const timer = setTimeout(() => {
      lookups.delete(timer);
      callback();
    }, ms).unref();
    lookups.add(timer);
    return timer;
  };
  host.clearTimeout = (timer) => {
    if (lookups.delete(timer)) clearTimeout(timer as NodeJS.Timeout);
    else stopTimer?.(timer);
  };
  return host;
}
